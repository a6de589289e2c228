/** One attempt to watch: a peer connection with an audio and a video line for each slot. */

import { SLOTS, slim, type Kind, type StageSlot } from './offer'
import { marksOf } from './proof'
import { drop, leave, post } from './session'

/** Where to watch a lecture, as long as the room has not named another address. */
export const watchAddress = (lecture: string): string => `/whep/${encodeURIComponent(lecture)}`

export interface Line {
  slot: StageSlot
  kind: Kind
  transceiver: RTCRtpTransceiver
}

export class Viewing {
  readonly lines: Line[] = []
  readonly startedAt = performance.now()
  private readonly peer: RTCPeerConnection
  private readonly offer: Promise<RTCSessionDescriptionInit>
  private readonly ending = new AbortController()
  private location: string | null = null
  private ticket = ''
  private opening: Promise<void> | null = null

  /** Makes the offer at once (certificate and codecs take a few ms); nothing is sent before `open`. */
  constructor(slots: readonly StageSlot[] = SLOTS, kinds: readonly Kind[] = ['audio', 'video']) {
    this.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    for (const slot of slots) {
      for (const kind of kinds) {
        const transceiver = this.peer.addTransceiver(kind, { direction: 'recvonly' })
        slim(transceiver, kind, 'receive')
        this.lines.push({ slot, kind, transceiver })
      }
    }
    this.offer = this.peer.createOffer()
    this.offer.catch(() => undefined) // `open` reports it
  }

  /**
   * Posts the offer without waiting for candidates (the relay is ICE-lite and finds them); asked again, it is the same
   * attempt. Raises `Refused`.
   */
  open(url: string, ticket: string): Promise<void> {
    this.opening ??= this.exchange(url, ticket)
    return this.opening
  }

  private async exchange(url: string, ticket: string): Promise<void> {
    this.ticket = ticket
    const offer = await this.offer
    const local = this.peer.setLocalDescription(offer)
    const session = await post(url, ticket, offer.sdp ?? '', this.ending.signal)
    this.location = session.location
    if (this.ending.signal.aborted) {
      await drop(this.location, ticket)
      return
    }
    await local
    await this.peer.setRemoteDescription({ type: 'answer', sdp: session.answer })
  }

  /** The session's name: the last part of its address. Null until the offer is answered. */
  get session(): string | null {
    return this.location === null ? null : (new URL(this.location).pathname.split('/').pop() ?? null)
  }

  get connection(): RTCPeerConnectionState {
    return this.peer.connectionState
  }

  /** Chromium tells a DTLS close_notify here and nowhere else. */
  get dtls(): RTCDtlsTransportState | null {
    return this.lines[0]?.transceiver.receiver.transport?.state ?? null
  }

  /** Calls back when the transport may have changed; the state itself is read from `connection` and `dtls`. */
  watchTransport(changed: () => void): void {
    this.peer.addEventListener('connectionstatechange', changed)
    this.lines[0]?.transceiver.receiver.transport?.addEventListener('statechange', changed)
  }

  stats(): Promise<RTCStatsReport> {
    return this.peer.getStats()
  }

  /** What the media that came of late bears (see proof.ts). */
  marks(): number[] {
    return marksOf(this.lines.map((line) => line.transceiver.receiver))
  }

  close(): void {
    if (this.ending.signal.aborted) return
    this.ending.abort()
    void leave(this.peer, this.location, this.ticket)
  }
}
