/**
 * Keeps a page playing: makes an attempt, watches it, and makes the next one when the watchdog says so.
 *
 * Theory of operation. One `Viewing` at a time. Its tracks go into one `MediaStream` per slot that lives as long as
 * the player, so that the page's <video> elements never change. A new attempt replaces the tracks when its answer is
 * there; the last frame stays until then. What the page should see comes from the room alone (`wishes`).
 */

import type { Cause, Proof } from '../channel/messages'
import { asRefused, type Refused } from '../rest/problem'
import { SLOTS, STAGE_SLOTS, type Slot, type StageSlot } from './offer'
import { Marks, proofsOf } from './proof'
import { Reception, type Received } from './reception'
import { emptySight, sightOf, slotsByMid, type Sight } from './sight'
import { Viewing } from './whep'
import { laterDelay, Watchdog, restartDelay, retryDelay, type Verdict, type Wishes } from './watchdog'

export type PlayerPhase = 'idle' | 'connecting' | 'waiting' | 'playing' | 'reconnecting' | 'refused'

export interface PlayerState {
  phase: PlayerPhase
  /** Wall time (ms) since when the phase holds. */
  since: number
  /** Something that should be seen or heard is arriving. */
  playing: boolean
  /** Slots that are live and of which nothing has arrived for a while. */
  missing: Slot[]
  /** Why nothing came within 4 s of an attempt; null until then, and again once all is well. */
  trouble: Cause | null
  /** The WHEP session's name, the last part of its address; null until the service answered. */
  session: string | null
  /** Why the service refused the last offer; `phase` is "refused" where trying again is no use. */
  refused: Refused | null
}

export interface Quality {
  fps: number
  freezes: number
  loss: number
  delay_ms?: number
  rtt_ms?: number
}

/** What the player asks of the page. */
export interface PlayerPort {
  address(): string
  ticket(): string
  wishes(): Wishes
  members(): number
  visible(): boolean
  /** False: sound alone is asked for, and no picture is sent. */
  picture(): boolean
  trouble(cause: Cause, detail: string): void
}

const LOOK_EVERY = 500
const TROUBLE_AFTER = 4_000
/** A relay takes longer than this to start. */
const JUST_NOW = 300
/** Refusals after which another offer with the same ticket is no use. */
const FINAL = new Set([400, 401, 403, 404, 410, 413, 415, 422])

export function newPlayerState(): PlayerState {
  return { phase: 'idle', since: Date.now(), playing: false, missing: [], trouble: null, session: null, refused: null }
}

export class Player {
  readonly streams = new Map<StageSlot, MediaStream>(STAGE_SLOTS.map((slot) => [slot, new MediaStream()]))
  private viewing: Viewing | null = null
  private watchdog = new Watchdog(0)
  private mids = new Map<string, Slot>()
  private tries = 0
  private partials = 0
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private lookTimer: ReturnType<typeof setInterval> | undefined
  private looking = false
  private reported = false
  private expectedSince: number | null = null
  private answeredAt: number | null = null
  private reception = new Reception()
  private marks = new Marks()
  private last: { at: number; sight: Sight } = { at: 0, sight: emptySight() }

  constructor(
    private readonly port: PlayerPort,
    /** May be a reactive object of the page; the player alone writes it. */
    readonly state: PlayerState,
    /** An offer made ahead, so that the tap that starts needs only one request. */
    private prepared: Viewing | null = null,
    /** What to ask for, at each new attempt. */
    private readonly slots: () => readonly StageSlot[] = () => SLOTS,
  ) {}

  start(): void {
    if (this.lookTimer !== undefined) return
    if (typeof RTCPeerConnection !== 'function') {
      this.move('refused')
      this.report('no-webrtc', '')
      return
    }
    this.lookTimer = setInterval(() => void this.look(), LOOK_EVERY)
    void this.attempt()
  }

  stop(): void {
    clearInterval(this.lookTimer)
    clearTimeout(this.retryTimer)
    this.lookTimer = this.retryTimer = undefined
    this.drop()
    this.prepared?.close()
    this.prepared = null
    this.state.playing = false
    this.move('idle')
  }

  /** Try again now: the person asked for it, or the network came back. */
  retry(): void {
    if (this.lookTimer === undefined) {
      this.start()
      return
    }
    this.tries = 0
    this.state.trouble = null
    this.again(0)
  }

  /** The relay started anew: the session is gone, whatever the browser still believes of it. */
  renew(): void {
    if (this.lookTimer === undefined || (this.retryTimer === undefined && this.underWay())) return
    const wishes = this.port.wishes()
    if (this.state.playing && SLOTS.some((slot) => wishes[slot].live)) return // old news, told again on return
    this.tries = 0
    this.again(retryDelay(0, this.port.members(), Math.random()))
  }

  /** The last offer is not answered yet, or was a moment ago: then it was the new relay that did. */
  private underWay(): boolean {
    return this.answeredAt === null || performance.now() - this.answeredAt < JUST_NOW
  }

  private async attempt(): Promise<void> {
    clearTimeout(this.retryTimer)
    this.retryTimer = undefined
    const viewing = this.prepared ?? new Viewing(this.slots(), this.port.picture() ? undefined : ['audio'])
    this.prepared = null
    this.drop()
    this.viewing = viewing
    this.reported = false
    this.move(this.tries === 0 && this.state.phase === 'idle' ? 'connecting' : 'reconnecting')
    this.expectedSince = null
    this.answeredAt = null
    this.watchdog = new Watchdog(performance.now(), this.partials)
    viewing.watchTransport(() => void this.look())
    try {
      await viewing.open(this.port.address(), this.port.ticket())
    } catch (error) {
      if (this.viewing === viewing) this.failed(asRefused(error))
      return
    }
    if (this.viewing !== viewing) return
    this.answeredAt = performance.now()
    this.state.refused = null // until then the last word stands: a person reads it while the page tries again
    this.mids = slotsByMid(viewing.lines)
    this.reception = new Reception()
    this.marks = new Marks()
    this.state.session = viewing.session
    this.last = { at: performance.now(), sight: emptySight() }
    this.show(viewing)
  }

  private show(viewing: Viewing): void {
    for (const [slot, stream] of this.streams) {
      for (const track of stream.getTracks()) stream.removeTrack(track)
      for (const line of viewing.lines) if (line.slot === slot) stream.addTrack(line.transceiver.receiver.track)
    }
  }

  private failed(refused: Refused): void {
    this.drop()
    this.state.refused = refused
    if (FINAL.has(refused.status)) {
      clearInterval(this.lookTimer)
      this.lookTimer = undefined
      this.move('refused')
      if (refused.status === 422) this.report('no-codec', refused.detail)
      return
    }
    this.tries += 1
    const members = this.port.members()
    if (refused.type === 'relay-restarting') this.again(restartDelay(members, Math.random()))
    else this.again(Math.max(laterDelay(refused.retryAfter ?? 0, Math.random()), retryDelay(this.tries, members, Math.random())))
  }

  private again(delay: number): void {
    if (this.lookTimer === undefined) return
    this.state.playing = false
    this.move('reconnecting')
    clearTimeout(this.retryTimer)
    this.retryTimer = setTimeout(() => void this.attempt(), delay)
  }

  private drop(): void {
    this.viewing?.close()
    this.viewing = null
  }

  private async look(): Promise<void> {
    const viewing = this.viewing
    if (!viewing || this.looking || this.retryTimer !== undefined) return
    this.noteMarks(viewing)
    this.looking = true
    try {
      const report = await viewing.stats()
      if (viewing !== this.viewing || this.retryTimer !== undefined) return
      this.judge(viewing, sightOf(report.values(), this.mids, Date.now()))
    } finally {
      this.looking = false
    }
  }

  private judge(viewing: Viewing, sight: Sight): void {
    const now = performance.now()
    const wishes = this.port.wishes()
    const verdict = this.watchdog.look(now, sight, wishes, viewing, this.port.visible())
    this.state.missing = verdict === 'playing' ? this.watchdog.overdue : []
    this.state.playing = verdict === 'playing'
    this.noticeTrouble(now, viewing, sight, wishes, verdict)
    if (verdict === 'dead' || verdict === 'stalled') {
      this.partials = verdict === 'stalled' && this.watchdog.missing.length > 0 ? this.partials + 1 : 0
      this.again(retryDelay(this.tries, this.port.members(), Math.random()))
      this.tries += 1
      return
    }
    if (verdict === 'playing') {
      this.tries = 0
      if (this.watchdog.missing.length === 0) this.partials = 0
      this.move('playing')
    } else if (verdict === 'waiting') {
      this.tries = 0
      this.move('waiting')
    }
  }

  private noticeTrouble(now: number, viewing: Viewing, sight: Sight, wishes: Wishes, verdict: Verdict): void {
    const expected = SLOTS.some((slot) => wishes[slot].live)
    if (verdict === 'playing' || !expected) {
      this.expectedSince = null
      if (verdict === 'playing' || verdict === 'waiting') this.state.trouble = null
      return
    }
    this.expectedSince ??= now
    if (this.reported || now - this.expectedSince < TROUBLE_AFTER) return
    this.report(causeOf(viewing, sight), `${viewing.connection}, ${sight.bytes} bytes`)
  }

  /** Once per attempt. */
  private report(cause: Cause, detail: string): void {
    if (this.reported) return
    this.reported = true
    this.state.trouble = cause
    this.port.trouble(cause, detail)
  }

  private move(phase: PlayerPhase): void {
    if (this.state.phase === phase) return
    this.state.phase = phase
    this.state.since = Date.now()
  }

  private noteMarks(viewing: Viewing): void {
    if (this.answeredAt !== null) this.marks.note(viewing.marks(), performance.now())
  }

  /** What shows that the present session's media came here. */
  proofs(): Proof[] {
    const viewing = this.viewing
    if (!viewing || this.answeredAt === null) return []
    this.noteMarks(viewing)
    return proofsOf(viewing.session, this.marks.young(performance.now()))
  }

  /** How the session arrived since the last call, where that is worth saying. */
  async received(): Promise<(Received & { session: string }) | null> {
    const viewing = this.viewing
    const session = viewing?.session ?? null
    if (!viewing || session === null || !this.state.playing) return null
    const found = this.reception.look(sightOf((await viewing.stats()).values(), this.mids, Date.now()))
    return found && viewing === this.viewing ? { session, ...found } : null
  }

  /** What the page saw since the last call; null while nothing plays. */
  async quality(): Promise<Quality | null> {
    const viewing = this.viewing
    if (!viewing || !this.state.playing) return null
    const sight = sightOf((await viewing.stats()).values(), this.mids, Date.now())
    const now = performance.now()
    const { at, sight: before } = this.last
    this.last = { at: now, sight }
    const seconds = (now - at) / 1000
    if (seconds <= 0) return null
    const frames = Math.max(...SLOTS.map((slot) => sight.slots[slot].frames - before.slots[slot].frames), 0)
    const lost = Math.max(0, sight.lost - before.lost)
    const sent = Math.max(0, sight.received - before.received) + lost
    return {
      fps: Math.min(1000, round(frames / seconds)),
      freezes: Math.max(0, sight.freezes - before.freezes),
      loss: sent > 0 ? round(lost / sent, 4) : 0,
      ...(sight.delay === null ? {} : { delay_ms: round(sight.delay) }),
      ...(sight.rtt === null ? {} : { rtt_ms: round(sight.rtt) }),
    }
  }
}

const round = (value: number, digits = 1): number => Number(value.toFixed(digits))

/** Why nothing plays, as far as a page can tell. */
export function causeOf(viewing: Pick<Viewing, 'connection' | 'dtls'>, sight: Sight): Cause {
  if (viewing.connection !== 'connected') return viewing.dtls === 'closed' ? 'other' : 'no-udp'
  const packets = SLOTS.some((slot) => sight.slots[slot].video > 0)
  const frames = SLOTS.some((slot) => sight.slots[slot].frames > 0)
  return packets && !frames ? 'no-codec' : 'no-media'
}
