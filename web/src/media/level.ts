/** How loud a microphone is, 0 to 1, ten times a second. */

/** −48 dB: the hiss of an input that nobody speaks into lies below it, a soft voice at arm's length above. */
export const SILENT_BELOW = 0.2

/** Root mean square of samples in −1…1, on a scale that follows the ear: −60 dB is 0, 0 dB is 1. */
export function loudness(samples: Float32Array): number {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  const rms = Math.sqrt(sum / Math.max(1, samples.length))
  if (rms <= 0) return 0
  return Math.min(1, Math.max(0, (20 * Math.log10(rms) + 60) / 60))
}

export class LevelMeter {
  private readonly context = new AudioContext()
  private readonly analyser = this.context.createAnalyser()
  private readonly samples: Float32Array<ArrayBuffer>
  private readonly source: MediaStreamAudioSourceNode
  private readonly timer: ReturnType<typeof setInterval>
  private readonly wake = (): void => void this.context.resume().catch(() => undefined)

  /** `heard` gets null while the browser lets no sound be measured before a tap. */
  constructor(track: MediaStreamTrack, heard: (level: number | null) => void) {
    this.analyser.fftSize = 1024
    this.samples = new Float32Array(this.analyser.fftSize)
    this.source = this.context.createMediaStreamSource(new MediaStream([track]))
    this.source.connect(this.analyser)
    this.wake()
    addEventListener('pointerdown', this.wake)
    this.timer = setInterval(() => {
      if (this.context.state !== 'running') {
        heard(null)
        return
      }
      this.analyser.getFloatTimeDomainData(this.samples)
      heard(loudness(this.samples))
    }, 100)
  }

  stop(): void {
    clearInterval(this.timer)
    removeEventListener('pointerdown', this.wake)
    this.source.disconnect()
    void this.context.close().catch(() => undefined)
  }
}
