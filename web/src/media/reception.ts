/**
 * What a page says of how its session arrives, so that the relay can send it a smaller picture in time.
 *
 * Theory of operation. It is said only while something is wrong, and once when it is well again: a thousand pages that
 * say every two seconds that all is well would be work for nothing.
 */

import type { Sight } from './sight'

export interface Received {
  lost: number
  frozen_ms: number
}

/** Below this share of loss, and without a freeze, there is nothing to say. */
const WORTH_SAYING = 0.01
const LONGEST = 60_000

/** From one look to the next of the same session. */
export function received(before: Sight, sight: Sight): Received {
  const lost = Math.max(0, sight.lost - before.lost)
  const sent = Math.max(0, sight.received - before.received) + lost
  const frozen = Math.max(0, sight.frozen - before.frozen)
  return {
    lost: sent > 0 ? Number((lost / sent).toFixed(4)) : 0,
    frozen_ms: Math.min(LONGEST, Math.round(frozen)),
  }
}

export class Reception {
  private before: Sight | null = null
  private told = false

  /** What to say now; null where there is nothing to say. */
  look(sight: Sight): Received | null {
    const before = this.before
    this.before = sight
    if (before === null) return null
    const found = received(before, sight)
    const bad = found.lost >= WORTH_SAYING || found.frozen_ms > 0
    const say = bad || this.told
    this.told = bad
    return say ? found : null
  }
}
