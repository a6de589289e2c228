/** Two short notes, made here: nothing is loaded. Silent where the browser allows no sound. */

const NOTES = [660, 880]
const LENGTH = 0.28

/** Resolves when it has been played; false where it could not be. */
export async function chime(loudness = 0.25): Promise<boolean> {
  if (typeof AudioContext !== 'function') return false
  const context = new AudioContext()
  try {
    if (context.state !== 'running') await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, 500))])
    if (context.state !== 'running') return false
    NOTES.forEach((pitch, index) => {
      const from = context.currentTime + index * LENGTH
      const tone = new OscillatorNode(context, { type: 'sine', frequency: pitch })
      const volume = new GainNode(context, { gain: 0 })
      volume.gain.setValueAtTime(0, from)
      volume.gain.linearRampToValueAtTime(loudness, from + 0.02)
      volume.gain.exponentialRampToValueAtTime(0.001, from + LENGTH)
      tone.connect(volume).connect(context.destination)
      tone.start(from)
      tone.stop(from + LENGTH)
    })
    await new Promise((resolve) => setTimeout(resolve, (NOTES.length * LENGTH + 0.1) * 1000))
    return true
  } finally {
    void context.close()
  }
}
