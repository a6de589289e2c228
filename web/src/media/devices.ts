/** Camera, microphone and screen: asking for them, and saying what is wrong in a word. */

/** Why there is no picture or sound of one's own; a word of the table of sentences (`device.…`). */
export type DeviceTrouble = 'refused' | 'missing' | 'busy' | 'insecure' | 'unsupported' | 'other'

export interface Wanted {
  camera: string | null
  microphone: string | null
}

export interface Taken {
  stream: MediaStream
  /** What was asked for and could not be had. */
  without: 'camera' | 'microphone' | null
}

export class DeviceError extends Error {
  constructor(
    readonly trouble: DeviceTrouble,
    detail: string,
  ) {
    super(`${trouble}: ${detail}`)
    this.name = 'DeviceError'
  }
}

const WIDTH = 1280
const HEIGHT = 720

export function troubleOf(name: string): DeviceTrouble {
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
    case 'PermissionDeniedError':
      return 'refused'
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'missing'
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'busy'
    default:
      return 'other'
  }
}

const video = (camera: string | null): MediaTrackConstraints => ({
  width: { ideal: WIDTH },
  height: { ideal: HEIGHT },
  frameRate: { ideal: 30, max: 30 },
  ...(camera === null ? { facingMode: 'user' } : { deviceId: { exact: camera } }),
})

const audio = (microphone: string | null): MediaTrackConstraints => ({
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  ...(microphone === null ? {} : { deviceId: { exact: microphone } }),
})

async function ask(constraints: MediaStreamConstraints): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getUserMedia(constraints)
  } catch (error) {
    const name = error instanceof DOMException ? error.name : 'other'
    throw new DeviceError(troubleOf(name), `${name}: ${String(error)}`)
  }
}

/**
 * Camera and microphone; where one of them is missing or busy, the other alone. A remembered device that is gone is
 * asked for no longer. Raises `DeviceError` where neither can be had.
 */
export async function take(wanted: Wanted): Promise<Taken> {
  if (!navigator.mediaDevices?.getUserMedia)
    throw new DeviceError(globalThis.isSecureContext ? 'unsupported' : 'insecure', location.protocol)
  const tries: [MediaStreamConstraints, Taken['without']][] = [
    [{ video: video(wanted.camera), audio: audio(wanted.microphone) }, null],
    [{ video: video(null), audio: audio(null) }, null],
    [{ audio: audio(null) }, 'camera'],
    [{ video: video(null) }, 'microphone'],
  ]
  let first: unknown
  for (const [constraints, without] of tries) {
    try {
      const stream = await ask(constraints)
      for (const track of stream.getVideoTracks()) track.contentHint = 'motion'
      for (const track of stream.getAudioTracks()) track.contentHint = 'speech'
      return { stream, without }
    } catch (error) {
      first ??= error
      // A refusal is a person's decision: asking for less would only ask them again.
      if (error instanceof DeviceError && error.trouble === 'refused') throw error
    }
  }
  throw first
}

export type DeviceKind = 'camera' | 'microphone'

/**
 * Another camera, or another microphone; `id` null: whichever the browser finds. `held`: the track in use, let go where
 * a device opens only once (phones). Raises `DeviceError`.
 */
export async function takeOne(kind: DeviceKind, id: string | null, held: MediaStreamTrack | null): Promise<MediaStreamTrack> {
  const constraints = kind === 'camera' ? { video: video(id) } : { audio: audio(id) }
  const stream = await ask(constraints).catch((error: unknown) => {
    if (held === null || !(error instanceof DeviceError) || error.trouble !== 'busy') throw error
    held.stop()
    return ask(constraints)
  })
  const track = stream.getTracks()[0]
  if (!track) throw new DeviceError('missing', kind)
  track.contentHint = kind === 'camera' ? 'motion' : 'speech'
  return track
}

/** Null where the person closed the browser's own dialogue. */
export async function takeScreen(): Promise<MediaStream | null> {
  if (!navigator.mediaDevices?.getDisplayMedia) throw new DeviceError('unsupported', 'getDisplayMedia')
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { width: { ideal: 1920, max: 1920 }, height: { ideal: 1080, max: 1080 }, frameRate: { ideal: 15, max: 30 } },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      systemAudio: 'include', // the tick for sound is offered, and is the person's to set
    } as DisplayMediaStreamOptions)
    for (const track of stream.getVideoTracks()) track.contentHint = 'detail'
    return stream
  } catch (error) {
    const name = error instanceof DOMException ? error.name : 'other'
    if (troubleOf(name) === 'refused') return null
    throw new DeviceError(troubleOf(name), `${name}: ${String(error)}`)
  }
}

export interface Device {
  id: string
  label: string
}

export async function listDevices(kind: 'videoinput' | 'audioinput'): Promise<Device[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? []
  return all
    .filter((device) => device.kind === kind && device.deviceId !== '')
    .map((device) => ({ id: device.deviceId, label: device.label }))
}

export function release(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop()
}
