/** One attempt to publish: a peer connection that sends what a stream holds. */

import { slim } from './offer'
import { drop, leave, post } from './session'

/** One of the sizes in which a picture is sent at the same time (simulcast). */
export interface Layer {
  rid: string
  /** Of the picture's own width and height, 1 / this. */
  scale: number
  /** Bits a second. */
  maxBitrate: number
  maxFramerate: number
}

export interface Picture {
  /** Bits a second, sent in one size. */
  maxBitrate: number
  maxFramerate: number
  /** The smallest first; together no more than `maxBitrate`. */
  layers: readonly Layer[]
  /** What to keep when the network is slow. */
  degradation: 'maintain-framerate' | 'maintain-resolution' | 'balanced'
}

export const CAMERA: Picture = {
  maxBitrate: 2_500_000,
  maxFramerate: 30,
  layers: [
    { rid: 'q', scale: 4, maxBitrate: 150_000, maxFramerate: 30 },
    { rid: 'h', scale: 2, maxBitrate: 500_000, maxFramerate: 30 },
    { rid: 'f', scale: 1, maxBitrate: 1_700_000, maxFramerate: 30 },
  ],
  degradation: 'balanced',
}
export const SCREEN: Picture = {
  maxBitrate: 2_500_000,
  maxFramerate: 15,
  layers: [
    { rid: 'h', scale: 2, maxBitrate: 500_000, maxFramerate: 15 },
    { rid: 'f', scale: 1, maxBitrate: 1_900_000, maxFramerate: 10 },
  ],
  degradation: 'maintain-resolution',
}
/** Pixels that a picture needs for so many sizes. With fewer Chromium sends the smaller ones only, and not the whole. */
const ROOM_FOR: readonly [number, number][] = [
  [960 * 540, 3],
  [480 * 270, 2],
]
const VOICE_BITRATE = 48_000
/** ms at the full size whatever the preference: a browser left to itself begins small and takes longer to grow. */
const FIRST_AT_FULL_SIZE = 10_000

/**
 * How to send this picture: in several sizes where the browser is one of those that were measured to hold them steady
 * (Chromium's family, told by a method of its own) and there is enough of a picture; else in one.
 */
export function encodingsOf(
  picture: Picture,
  size: { width?: number; height?: number },
  layered: boolean,
): RTCRtpEncodingParameters[] {
  const pixels = (size.width ?? 0) * (size.height ?? 0)
  const room = ROOM_FOR.find(([needed]) => pixels >= needed)
  if (!layered || !room) return [{ maxBitrate: picture.maxBitrate, maxFramerate: picture.maxFramerate }]
  return picture.layers.slice(-room[1]).map(({ rid, scale, maxBitrate, maxFramerate }) => ({
    rid,
    scaleResolutionDownBy: scale,
    maxBitrate,
    maxFramerate,
  }))
}

function sendsLayers(): boolean {
  return 'setHeaderExtensionsToNegotiate' in RTCRtpTransceiver.prototype
}

export class Publishing {
  private readonly peer: RTCPeerConnection
  private readonly senders = new Map<string, RTCRtpSender>()
  private readonly ending = new AbortController()
  private location: string | null = null
  private ticket = ''
  private sizes = 0

  /** `plain`: without the codec that machines encode in hardware. */
  constructor(
    stream: MediaStream,
    private readonly picture: Picture,
    plain = false,
  ) {
    this.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    for (const track of [...stream.getAudioTracks(), ...stream.getVideoTracks()]) {
      const kind = track.kind === 'audio' ? 'audio' : 'video'
      const sendEncodings: RTCRtpEncodingParameters[] =
        kind === 'audio'
          ? [{ maxBitrate: VOICE_BITRATE, networkPriority: 'high' }]
          : encodingsOf(picture, track.getSettings(), sendsLayers())
      const line = this.peer.addTransceiver(track, { direction: 'sendonly', streams: [stream], sendEncodings })
      slim(line, kind, 'send', plain)
      this.senders.set(kind, line.sender)
      if (kind === 'video') this.sizes = sendEncodings.length
    }
  }

  /** Raises `Refused`. */
  async open(url: string, ticket: string): Promise<void> {
    this.ticket = ticket
    const offer = await this.peer.createOffer()
    const local = this.peer.setLocalDescription(offer)
    const session = await post(url, ticket, offer.sdp ?? '', this.ending.signal)
    this.location = session.location
    if (this.ending.signal.aborted) {
      await drop(this.location, ticket)
      return
    }
    await local
    await this.peer.setRemoteDescription({ type: 'answer', sdp: session.answer })
    await this.prefer('maintain-resolution')
    if (this.picture.degradation === 'maintain-resolution') return
    const later = setTimeout(() => void this.prefer(this.picture.degradation), FIRST_AT_FULL_SIZE)
    this.ending.signal.addEventListener('abort', () => clearTimeout(later))
  }

  private async prefer(degradation: Picture['degradation']): Promise<void> {
    const sender = this.senders.get('video')
    if (!sender) return
    const parameters = sender.getParameters() as RTCRtpSendParameters & { degradationPreference?: string }
    parameters.degradationPreference = degradation
    await sender.setParameters(parameters).catch(() => undefined) // Firefox and Safari have no such wish
  }

  /**
   * Another camera or microphone in the same place, without a new offer. False where there is no such line, or one for
   * another number of sizes.
   */
  async replace(track: MediaStreamTrack): Promise<boolean> {
    const sender = this.senders.get(track.kind)
    if (!sender) return false
    if (track.kind === 'video' && encodingsOf(this.picture, track.getSettings(), sendsLayers()).length !== this.sizes)
      return false
    await sender.replaceTrack(track)
    return true
  }

  get connection(): RTCPeerConnectionState {
    return this.peer.connectionState
  }

  get dtls(): RTCDtlsTransportState | null {
    return this.senders.values().next().value?.transport?.state ?? null
  }

  watchTransport(changed: () => void): void {
    this.peer.addEventListener('connectionstatechange', changed)
    this.senders.values().next().value?.transport?.addEventListener('statechange', changed)
  }

  stats(): Promise<RTCStatsReport> {
    return this.peer.getStats()
  }

  close(): void {
    if (this.ending.signal.aborted) return
    this.ending.abort()
    // Nothing more is sent from here on, however long the farewell takes.
    for (const sender of this.senders.values()) void sender.replaceTrack(null).catch(() => undefined)
    void leave(this.peer, this.location, this.ticket)
  }
}
