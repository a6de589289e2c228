/**
 * Keeps a publication up: start, watch, start again, stop.
 *
 * Theory of operation. The browser sends into the void for 6 to 16 s after the relay has died. Two things tell sooner:
 * the transport's own state (a DTLS close), and the room, which says of this publisher's slot that it is lost. Either
 * one makes a new offer. One case looks the same and is not: the same person started on another device. Then the old
 * transport is closed while the slot goes on being live: this page then stands back, or two pages would take the slot
 * from one another for ever.
 *
 * Two faults show in the statistics alone: nothing comes back any more (the page says so seconds before the browser
 * does), and an encoder that takes pictures and gives none (then the next offer asks for a codec made in software).
 */

import type { SlotState } from '../channel/messages'
import { asRefused, type Refused } from '../rest/problem'
import { Faults, outboundOf, type Sending } from './outbound'
import { restartDelay, retryDelay } from './watchdog'
import { Publishing, type Picture } from './whip'

export type PublisherPhase = 'idle' | 'connecting' | 'sending' | 'reconnecting' | 'replaced' | 'refused'

export interface PublisherState {
  phase: PublisherPhase
  /** Wall time (ms) since when the phase holds. */
  since: number
  /** Wall time (ms) of the start by hand. */
  started: number | null
  sending: Sending | null
  refused: Refused | null
  /** Nothing comes back from the service: the network is gone, though the browser may not know it yet. */
  unheard: boolean
  /** Pictures are taken and none leaves the encoder. */
  unencoded: boolean
}

export interface PublisherPort {
  address(): string
  ticket(): string
  /** What the room says of this publisher's slot; null while the channel is away. */
  slot(): SlotState | null
  picture: Picture
}

const LOOK_EVERY = 500
/** A relay takes longer than this to start. */
const JUST_NOW = 300
const CONNECT_WITHIN = 6_000
/** The room's word "lost" may cross with our own new start. */
const LOST_FOR = 500
const REPLACED_AFTER = 1_200
const FINAL = new Set([400, 401, 403, 404, 410, 413, 415, 422])

export function newPublisherState(): PublisherState {
  return { phase: 'idle', since: Date.now(), started: null, sending: null, refused: null, unheard: false, unencoded: false }
}

export class Publisher {
  private publishing: Publishing | null = null
  private stream: MediaStream | null = null
  private lookTimer: ReturnType<typeof setInterval> | undefined
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private tries = 0
  private openedAt = 0
  private answeredAt: number | null = null
  private wasLive = false
  private lostSince: number | null = null
  private closedSince: number | null = null
  private last = { at: 0, bytes: 0 }
  private looking = false
  private faults = new Faults()
  private plain = false

  constructor(
    private readonly port: PublisherPort,
    /** May be a reactive object of the page; the publisher alone writes it. */
    readonly state: PublisherState,
  ) {}

  get active(): boolean {
    return this.stream !== null
  }

  start(stream: MediaStream): void {
    this.end()
    this.stream = stream
    this.tries = 0
    this.state.started = Date.now()
    this.move('connecting')
    this.lookTimer = setInterval(() => void this.look(), LOOK_EVERY)
    void this.attempt()
  }

  stop(): void {
    this.end()
    this.state.started = null
    this.state.refused = null
    this.move('idle')
  }

  /** Uses this track from now on, without a new offer where the line exists. */
  async replace(stream: MediaStream, track: MediaStreamTrack): Promise<void> {
    if (!this.active) return
    this.stream = stream
    const replaced = await this.publishing?.replace(track).catch(() => false)
    if (replaced === false) this.again(0)
  }

  /** The relay started anew: the session is gone, whatever the browser still believes of it. */
  renew(): void {
    if (!this.active || (this.retryTimer === undefined && this.underWay())) return
    if (this.port.slot() === 'live') return // old news, told again on return
    this.tries = 0
    this.again(0)
  }

  /** The way to the service has come back: a request that hangs from before would only cost time. */
  hurry(): void {
    if (this.active && this.state.phase === 'reconnecting' && performance.now() - this.openedAt > JUST_NOW) this.again(0)
  }

  /** A new offer though nothing seems wrong here: for when nobody receives. */
  restart(): void {
    if (this.active && this.state.phase === 'sending') this.again(0)
  }

  /** The last offer is not answered yet, or was a moment ago: then it was the new relay that did. */
  private underWay(): boolean {
    return this.answeredAt === null || performance.now() - this.answeredAt < JUST_NOW
  }

  private end(): void {
    clearInterval(this.lookTimer)
    clearTimeout(this.retryTimer)
    this.lookTimer = this.retryTimer = undefined
    this.drop()
    this.stream = null
    this.plain = false
    this.state.unencoded = false
  }

  private drop(): void {
    this.publishing?.close()
    this.publishing = null
    this.state.sending = null
    this.state.unheard = false
  }

  private async attempt(): Promise<void> {
    this.retryTimer = undefined
    this.drop()
    if (!this.stream) return
    const publishing = new Publishing(this.stream, this.port.picture, this.plain)
    this.publishing = publishing
    this.openedAt = performance.now()
    this.answeredAt = null
    this.wasLive = false
    this.lostSince = this.closedSince = null
    this.last = { at: this.openedAt, bytes: 0 }
    this.faults = new Faults()
    publishing.watchTransport(() => void this.look())
    try {
      await publishing.open(this.port.address(), this.port.ticket())
    } catch (error) {
      if (this.publishing === publishing) this.failed(asRefused(error))
      return
    }
    if (this.publishing !== publishing) return
    this.answeredAt = performance.now()
    this.state.refused = null
  }

  private failed(refused: Refused): void {
    this.state.refused = refused
    if (FINAL.has(refused.status)) {
      this.end()
      this.move('refused')
      return
    }
    this.tries += 1
    if (refused.type === 'relay-restarting') this.again(restartDelay(0, Math.random()))
    else this.again(Math.max(Math.min(refused.retryAfter ?? 0, 5_000), retryDelay(this.tries, 0, Math.random())))
  }

  private again(delay: number): void {
    if (!this.active) return
    this.drop()
    this.move('reconnecting')
    clearTimeout(this.retryTimer)
    this.retryTimer = setTimeout(() => void this.attempt(), delay)
  }

  private async look(): Promise<void> {
    const publishing = this.publishing
    if (!publishing || this.looking) return
    this.looking = true
    try {
      const outbound = outboundOf((await publishing.stats()).values())
      if (publishing !== this.publishing || this.retryTimer !== undefined) return
      const now = performance.now()
      const seconds = (now - this.last.at) / 1000
      if (seconds > 0.2) {
        const kbps = Math.max(0, ((outbound.bytes - this.last.bytes) * 8) / 1000 / seconds)
        this.last = { at: now, bytes: outbound.bytes }
        this.state.sending = { kbps: Math.round(kbps), outbound }
      }
      this.faults.look(now, outbound)
      this.judge(now, publishing)
    } finally {
      this.looking = false
    }
  }

  private judge(now: number, publishing: Publishing): void {
    const { connection, dtls } = publishing
    const slot = this.port.slot()
    if (dtls === 'closed' || dtls === 'failed') {
      this.closed(now, slot)
      return
    }
    if (connection === 'failed' || connection === 'disconnected' || connection === 'closed') {
      this.begin()
      return
    }
    if (connection !== 'connected') {
      if (now - this.openedAt > CONNECT_WITHIN) this.begin()
      return
    }
    this.tries = 0
    this.move('sending')
    this.state.unheard = this.faults.unheard
    this.state.unencoded = this.faults.unencoded
    if (this.faults.unencoded && !this.plain) {
      this.plain = true
      this.again(0)
      return
    }
    this.heed(now, slot)
  }

  /** The other end closed: after a moment the room says whether someone else has the slot now. */
  private closed(now: number, slot: SlotState | null): void {
    this.closedSince ??= now
    if (slot === 'live') {
      if (now - this.closedSince < REPLACED_AFTER) return
      this.end()
      this.move('replaced')
      return
    }
    this.begin()
  }

  /** The room does not see us although the transport is well. */
  private heed(now: number, slot: SlotState | null): void {
    if (slot === 'live') this.wasLive = true
    if (slot !== 'lost' || (!this.wasLive && now - this.openedAt < CONNECT_WITHIN)) {
      this.lostSince = null
      return
    }
    this.lostSince ??= now
    if (now - this.lostSince >= LOST_FOR) this.begin()
  }

  private begin(): void {
    this.again(retryDelay(this.tries, 0, Math.random()))
    this.tries += 1
  }

  private move(phase: PublisherPhase): void {
    if (this.state.phase === phase) return
    this.state.phase = phase
    this.state.since = Date.now()
  }
}
