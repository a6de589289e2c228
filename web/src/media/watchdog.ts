/**
 * Does this page really play, and is it time for a new offer?
 *
 * Theory of operation. A browser says "connected" and "playing" for 7 to 17 s after a relay has died, so the watchdog
 * looks at what arrives. It may only act where something *should* arrive: a slot that the room calls live. Where the
 * source is gone (`lost`, `expected`, `empty`) the lines stay as they are and play again by themselves when the source
 * returns. The relay says that a source is silent after 2 s, hence 3 s here before a stall is ours. Bytes on the
 * transport are the second evidence: a slot that has just become live and brings not a single byte within a second
 * means that our transport died while nothing was flowing; with bytes but no picture yet the key frame is on its way.
 * Where sound arrives and the picture stands, the transport is well: it is the source or a busy machine that is late,
 * and a new offer would only take the sound away too. It is tried when that has lasted, less and less often.
 * Just after a source went, a connectivity check (browsers send one every 2.65 s) that stays without an answer says
 * the same sooner: then it was not the source that died but what carried it to us.
 *
 * All times are milliseconds of the caller's monotonic clock.
 */

import { SLOTS, type Slot } from './offer'
import type { Sight } from './sight'

/** What the room says should be seen on a slot. */
export interface Wish {
  live: boolean
  /** A picture that this browser can decode is expected. */
  picture: boolean
}

export type Wishes = Record<Slot, Wish>

export interface Transport {
  connection: RTCPeerConnectionState
  dtls: RTCDtlsTransportState | null
}

/** `waiting`: nothing is expected. `starting`: something is expected and may still come. */
export type Verdict = 'waiting' | 'starting' | 'playing' | 'stalled' | 'dead'

export const LIMITS = {
  /** Nothing arrives on any live slot that did play. */
  stalled: 3_000,
  /** Nothing at all arrives although a slot became live. */
  silent: 1_000,
  /** Bytes arrive, but nothing of a slot. */
  starting: 5_000,
  /** ICE and DTLS take this long at most. */
  connecting: 6_000,
  /** A live slot does not play while something arrives; doubled after every new offer that did not help. */
  partial: 10_000,
  /** The page slept when two looks are further apart; what happened meanwhile says nothing. */
  slept: 4_000,
  /** A check stays unanswered this long, within this time after a source went. */
  unanswered: 1_200,
  suspicious: 12_000,
  /** Progress within this time is "playing". */
  fresh: 2_000,
} as const

interface SlotMemory {
  since: number | null
  played: boolean
  /** When what is to be seen or heard of it went on last. */
  movedAt: number
  count: number
  /** When anything of it arrived last. */
  arrivedAt: number
  packets: number
}

export class Watchdog {
  private readonly slots = new Map<Slot, SlotMemory>()
  private bytes = 0
  private bytesAt: number
  private connectedAt: number | null = null
  private wentAt: number | null = null
  private checks = { sent: 0, answered: 0, askedAt: null as number | null }
  private lookedAt: number

  constructor(
    private readonly startedAt: number,
    /** How many offers in a row were made for a slot that brought nothing while others played. */
    private readonly partials = 0,
  ) {
    this.bytesAt = startedAt
    this.lookedAt = startedAt
  }

  /** Slots that are live and bring nothing at this moment. */
  missing: Slot[] = []
  /** Those of them for which that has lasted: who has just come is still on the way. */
  overdue: Slot[] = []

  /** `visible`: a hidden page may leave frames undecoded, so its packets count instead. */
  look(now: number, sight: Sight, wishes: Wishes, transport: Transport, visible: boolean): Verdict {
    if (now - this.lookedAt > LIMITS.slept) this.wake(now)
    this.lookedAt = now
    if (sight.bytes !== this.bytes) {
      this.bytes = sight.bytes
      this.bytesAt = now
    }
    const live = SLOTS.filter((slot) => this.follow(now, slot, sight, wishes[slot], visible))
    if (isDead(transport)) return 'dead'
    if (transport.connection !== 'connected') {
      return now - this.startedAt > LIMITS.connecting && this.connectedAt === null ? 'dead' : 'starting'
    }
    this.connectedAt ??= now
    if (live.length > 0) {
      this.checks.askedAt = null
      return this.judge(now, live)
    }
    return this.isDeserted(now, sight) ? 'dead' : 'waiting'
  }

  /** A source went, and since then not even a check has been answered. */
  private isDeserted(now: number, sight: Sight): boolean {
    const { checks } = this
    if (sight.answers !== checks.answered) checks.askedAt = null
    else if (sight.checks !== checks.sent) checks.askedAt ??= now
    checks.sent = sight.checks
    checks.answered = sight.answers
    if (this.wentAt === null || now - this.wentAt > LIMITS.suspicious) return false
    return checks.askedAt !== null && now - checks.askedAt >= LIMITS.unanswered
  }

  private judge(now: number, live: Slot[]): Verdict {
    const late = live.filter((slot) => this.isLate(now, slot))
    this.missing = live.filter((slot) => now - this.memory(slot).movedAt > LIMITS.fresh || !this.memory(slot).played)
    this.overdue = this.missing.filter((slot) => now - this.memory(slot).movedAt > LIMITS.fresh)
    if (late.length === live.length) return 'stalled'
    const patience = LIMITS.partial * 2 ** Math.min(this.partials, 6)
    if (this.missing.some((slot) => this.since(now, this.memory(slot).movedAt) > patience)) return 'stalled'
    return live.some((slot) => this.plays(now, slot)) ? 'playing' : 'starting'
  }

  private plays(now: number, slot: Slot): boolean {
    const { played, arrivedAt } = this.memory(slot)
    return played && now - arrivedAt <= LIMITS.fresh
  }

  /** Nothing counts before the transport is there. */
  private since(now: number, moment: number): number {
    return now - Math.max(moment, this.connectedAt ?? now)
  }

  private isLate(now: number, slot: Slot): boolean {
    const memory = this.memory(slot)
    const waited = this.since(now, memory.arrivedAt)
    if (memory.played) return waited > LIMITS.stalled
    const quiet = this.since(now, Math.max(this.bytesAt, memory.since ?? now))
    return waited > LIMITS.starting || quiet > LIMITS.silent
  }

  /** Keeps the memory of a slot; says whether it is live. */
  private follow(now: number, slot: Slot, sight: Sight, wish: Wish, visible: boolean): boolean {
    const memory = this.memory(slot)
    if (!wish.live) {
      if (memory.since !== null) this.wentAt = now
      memory.since = null
      memory.played = false
      return false
    }
    const line = sight.slots[slot]
    const packets = line.audio + line.video
    const count = !wish.picture ? line.audio : visible ? line.frames : packets
    if (memory.since === null) {
      memory.since = memory.movedAt = memory.arrivedAt = now
      memory.count = count
      memory.packets = packets
      return true
    }
    if (packets !== memory.packets) memory.arrivedAt = now
    memory.packets = packets
    if (count > memory.count) {
      memory.played = true
      memory.movedAt = now
    }
    memory.count = count // it may fall where the page was hidden or shown
    return true
  }

  private wake(now: number): void {
    this.bytesAt = now
    this.checks.askedAt = null
    for (const memory of this.slots.values()) memory.movedAt = memory.arrivedAt = now
  }

  private memory(slot: Slot): SlotMemory {
    let memory = this.slots.get(slot)
    if (!memory) {
      memory = { since: null, played: false, movedAt: 0, count: 0, arrivedAt: 0, packets: 0 }
      this.slots.set(slot, memory)
    }
    return memory
  }
}

function isDead(transport: Transport): boolean {
  return (
    transport.dtls === 'closed' ||
    transport.dtls === 'failed' ||
    transport.connection === 'failed' ||
    transport.connection === 'closed' ||
    transport.connection === 'disconnected'
  )
}

export const RETRY = { first: 300, longest: 8_000, perMember: 5, widest: 8_000 } as const

/**
 * Milliseconds until the next offer: the first comes at once, spread over the room so that a thousand pages do not
 * ask in the same instant (5 ms each); further ones back off. `random` is in [0, 1).
 */
export function retryDelay(tries: number, members: number, random: number): number {
  const spread = Math.min(members * RETRY.perMember, RETRY.widest)
  if (tries === 0) return Math.round(spread * random)
  const backoff = Math.min(RETRY.first * 2 ** (tries - 1), RETRY.longest)
  return Math.round(backoff * (0.5 + random / 2) + spread * random * 0.5)
}

/** The service asked for so many whole seconds (in ms): not everybody who was told the same comes in the same instant. */
export function laterDelay(asked: number, random: number): number {
  return Math.round(asked * (1 + random / 2))
}

/** While the relay restarts, which takes about a second: ask again soon, but not all in the same instant. */
export function restartDelay(members: number, random: number): number {
  return Math.round(250 + 250 * random + Math.min(members * RETRY.perMember, RETRY.widest) * random)
}
