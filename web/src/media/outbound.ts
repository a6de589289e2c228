/** What a publisher's statistics say, from one look to the next. */

type Entry = Record<string, unknown>

export interface Outbound {
  bytes: number
  frames: number
  width: number
  height: number
  /** Frames a second, as the browser tells it. */
  fps: number
  /** "none", "cpu", "bandwidth" or "other". */
  limited: string
  codec: string
  /** Share that the relay reports missing, 0–1; null before its first report. */
  loss: number | null
  /** Milliseconds; null while unknown. */
  rtt: number | null
}

const number = (entry: Entry, name: string): number => (typeof entry[name] === 'number' ? entry[name] : 0)

/** Is it the largest picture that goes out so far? A layer that is turned off keeps its size and has no frames. */
function largest(entry: Entry, found: Outbound): boolean {
  return found.width === 0 || (number(entry, 'framesPerSecond') > 0 && number(entry, 'frameWidth') > found.width)
}

export function outboundOf(entries: Iterable<Entry>): Outbound {
  const found: Outbound = {
    bytes: 0,
    frames: 0,
    width: 0,
    height: 0,
    fps: 0,
    limited: 'none',
    codec: '',
    loss: null,
    rtt: null,
  }
  const codecs = new Map<unknown, string>()
  let codecId: unknown
  for (const entry of entries) {
    if (entry.type === 'codec') codecs.set(entry.id, String(entry.mimeType).replace(/^\w+\//, ''))
    if (entry.type === 'outbound-rtp') {
      found.bytes += number(entry, 'bytesSent')
      if (entry.kind === 'video' && largest(entry, found)) {
        found.frames = number(entry, 'framesEncoded')
        found.width = number(entry, 'frameWidth')
        found.height = number(entry, 'frameHeight')
        found.fps = number(entry, 'framesPerSecond')
        found.limited = typeof entry.qualityLimitationReason === 'string' ? entry.qualityLimitationReason : 'none'
        codecId = entry.codecId
      }
    }
    if (entry.type === 'remote-inbound-rtp') {
      if (typeof entry.fractionLost === 'number') found.loss = Math.max(found.loss ?? 0, entry.fractionLost)
      if (typeof entry.roundTripTime === 'number') found.rtt = entry.roundTripTime * 1000
    }
  }
  found.codec = codecs.get(codecId) ?? ''
  return found
}

export interface Sending {
  /** Kilobits a second since the last look. */
  kbps: number
  outbound: Outbound
}

export type Grade = 'good' | 'fair' | 'poor'

/** One word for the publisher: can the audience follow? `picture`: a camera or screen is sent. */
export function grade(sending: Sending, picture: boolean): Grade {
  const { outbound, kbps } = sending
  if ((outbound.loss ?? 0) > 0.1 || (outbound.rtt ?? 0) > 800 || (picture && kbps < 120)) return 'poor'
  if ((outbound.loss ?? 0) > 0.03 || (outbound.rtt ?? 0) > 300 || outbound.limited === 'bandwidth') return 'fair'
  return 'good'
}
