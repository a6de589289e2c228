/** One attempt to publish: a peer connection that sends what a stream holds. */

import { slim } from './offer'
import { drop, leave, post } from './session'

export interface Picture {
  /** Bits a second. */
  maxBitrate: number
  maxFramerate: number
  /** What to keep when the network is slow. */
  degradation: 'maintain-framerate' | 'maintain-resolution' | 'balanced'
}

export const CAMERA: Picture = { maxBitrate: 2_500_000, maxFramerate: 30, degradation: 'balanced' }
export const SCREEN: Picture = { maxBitrate: 2_500_000, maxFramerate: 15, degradation: 'maintain-resolution' }
const VOICE_BITRATE = 48_000
/** ms at the full size whatever the preference: a browser left to itself begins small and takes longer to grow. */
const FIRST_AT_FULL_SIZE = 10_000

export class Publishing {
  private readonly peer: RTCPeerConnection
  private readonly senders = new Map<string, RTCRtpSender>()
  private readonly ending = new AbortController()
  private location: string | null = null
  private ticket = ''

  constructor(
    stream: MediaStream,
    private readonly picture: Picture,
  ) {
    this.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    for (const track of [...stream.getAudioTracks(), ...stream.getVideoTracks()]) {
      const kind = track.kind === 'audio' ? 'audio' : 'video'
      const encoding: RTCRtpEncodingParameters =
        kind === 'audio'
          ? { maxBitrate: VOICE_BITRATE, networkPriority: 'high' }
          : { maxBitrate: picture.maxBitrate, maxFramerate: picture.maxFramerate }
      const line = this.peer.addTransceiver(track, { direction: 'sendonly', streams: [stream], sendEncodings: [encoding] })
      slim(line, kind, 'send')
      this.senders.set(kind, line.sender)
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

  /** Another camera or microphone in the same place, without a new offer. False where there is no such line. */
  async replace(track: MediaStreamTrack): Promise<boolean> {
    const sender = this.senders.get(track.kind)
    if (!sender) return false
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
