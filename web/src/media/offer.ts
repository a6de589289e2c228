/**
 * Slim offers.
 *
 * Chromium's own offer for eight lines is about 25 KB and names codecs and header extensions that the relay never
 * uses. Limited to Opus, VP8 and H.264 (constrained baseline, packetization-mode 1) and to the extension `mid` it is a
 * quarter of that, and is parsed ten times faster. A publisher sends three more: the names of its layers, and the
 * numbers of its packets, from whose arrival it learns what its uplink bears.
 */

export type Kind = 'audio' | 'video'

/** The places that viewers see, in the order of an offer's lines (docs/protocol.md §2). */
export const SLOTS = ['lecturer', 'screen', 'host', 'guest'] as const
export type Slot = (typeof SLOTS)[number]

/** Lecturer, host and guests are answered one more: who waits behind the stage. */
export const STAGE_SLOTS = [...SLOTS, 'backstage'] as const
export type StageSlot = (typeof STAGE_SLOTS)[number]

const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid'
/** What the relay reads of header extensions, by side. */
const EXTENSIONS: Record<'send' | 'receive', readonly string[]> = {
  receive: [MID],
  send: [
    MID,
    'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
    'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
    'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  ],
}

interface HeaderExtension {
  uri: string
  direction: RTCRtpTransceiverDirection
}

/** Chromium's own methods (not yet in the DOM library of TypeScript). */
interface Negotiating extends RTCRtpTransceiver {
  getHeaderExtensionsToNegotiate?: () => HeaderExtension[]
  setHeaderExtensionsToNegotiate?: (wanted: HeaderExtension[]) => void
}

/** Is it H.264 constrained baseline with packetization-mode 1, the one kind that the relay carries? */
function isCarriedH264(codec: RTCRtpCodec): boolean {
  const parameters = (codec.sdpFmtpLine ?? '').toLowerCase()
  return (
    codec.mimeType.toLowerCase() === 'video/h264' &&
    /profile-level-id=42e0/.test(parameters) &&
    /packetization-mode=1/.test(parameters)
  )
}

/**
 * Of what the browser can do, what the relay carries, best first: H.264 (it needs no transcoding later), then VP8.
 * Empty where nothing fits: then the browser's own list is left as it is, and the service names what is missing.
 */
export function carriedCodecs(codecs: readonly RTCRtpCodec[], kind: Kind): RTCRtpCodec[] {
  if (kind === 'audio') return codecs.filter((codec) => codec.mimeType.toLowerCase() === 'audio/opus').slice(0, 1)
  const h264 = codecs.filter(isCarriedH264).slice(0, 1)
  const vp8 = codecs.filter((codec) => codec.mimeType.toLowerCase() === 'video/vp8').slice(0, 1)
  return [...h264, ...vp8]
}

/** Can this browser decode that codec of a slot? `true` where the browser does not tell. */
export function canDecode(codec: string): boolean {
  const known = globalThis.RTCRtpReceiver?.getCapabilities?.('video')?.codecs
  if (!known) return true
  return carriedCodecs(known, 'video').some((one) => one.mimeType.toLowerCase() === `video/${codec}`)
}

/**
 * Leave in this line only what the relay uses. Quietly leaves more where the browser offers no way to say so.
 * `plain`: without H.264, the codec that a browser hands to the machine's own encoder.
 */
export function slim(line: RTCRtpTransceiver, kind: Kind, side: 'send' | 'receive', plain = false): void {
  const capabilities =
    side === 'receive' ? RTCRtpReceiver.getCapabilities?.(kind) : RTCRtpSender.getCapabilities?.(kind)
  const carried = carriedCodecs(capabilities?.codecs ?? [], kind)
  const codecs = plain && carried.length > 1 ? carried.filter((codec) => !isCarriedH264(codec)) : carried
  if (codecs.length > 0 && typeof line.setCodecPreferences === 'function') line.setCodecPreferences(codecs)
  const negotiating = line as Negotiating
  const offered = negotiating.getHeaderExtensionsToNegotiate?.()
  if (!offered) return
  negotiating.setHeaderExtensionsToNegotiate?.(
    offered.map((extension) =>
      EXTENSIONS[side].includes(extension.uri) ? extension : { ...extension, direction: 'stopped' },
    ),
  )
}
