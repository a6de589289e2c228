/** What a publisher's statistics say, from one look to the next. */

type Entry = Record<string, unknown>

export interface Outbound {
  bytes: number
  frames: number
  /** Frames that left the encoder, all sizes of the picture together. */
  encoded: number
  /** Frames that camera or screen gave; null where the browser does not tell. */
  given: number | null
  /** Bytes that came back on the transport: reports, answers to checks. */
  heard: number
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
    encoded: 0,
    given: null,
    heard: 0,
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
  let transport = 0
  let pair = 0
  for (const entry of entries) {
    if (entry.type === 'codec') codecs.set(entry.id, String(entry.mimeType).replace(/^\w+\//, ''))
    if (entry.type === 'transport') transport += number(entry, 'bytesReceived')
    if (entry.type === 'candidate-pair') pair += number(entry, 'bytesReceived') + number(entry, 'responsesReceived')
    if (entry.type === 'media-source' && entry.kind === 'video' && typeof entry.frames === 'number') found.given = entry.frames
    if (entry.type === 'outbound-rtp') {
      if (entry.kind === 'video') found.encoded += number(entry, 'framesEncoded')
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
  found.heard = transport + pair
  found.codec = codecs.get(codecId) ?? ''
  return found
}

const UNHEARD_AFTER = 2_200
const UNENCODED_AFTER = 4_000
/** A page of slides changes seldom; a camera gives this many in a second. */
const GIVEN_ENOUGH = 15

/** What looks alone do not tell: for how long nothing has come back, and whether the encoder stands still. */
export class Faults {
  private heard = { bytes: -1, at: 0 }
  private encoded = { frames: -1, given: 0, at: 0 }

  /** Nothing has come back for so long that the network is gone, though the browser has not noticed. */
  unheard = false
  /** The camera gives pictures, and none leaves the encoder: seen with encoders built into graphics cards. */
  unencoded = false

  /** `now`: milliseconds of a monotonic clock. */
  look(now: number, outbound: Outbound): void {
    if (outbound.heard !== this.heard.bytes) this.heard = { bytes: outbound.heard, at: now }
    this.unheard = now - this.heard.at >= UNHEARD_AFTER
    const given = outbound.given ?? 0
    // Without bandwidth a browser stops the picture on purpose.
    if (outbound.encoded !== this.encoded.frames || outbound.limited === 'bandwidth')
      this.encoded = { frames: outbound.encoded, given, at: now }
    this.unencoded = now - this.encoded.at >= UNENCODED_AFTER && given - this.encoded.given >= GIVEN_ENOUGH
  }
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
