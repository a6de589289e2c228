/** The time, for what counts up and down, and for what is said only once it lasts. */

import { onBeforeUnmount, ref, type Ref } from 'vue'

/** Milliseconds since the epoch, by this page's clock; add `room.skew` for the service's. */
export function useNow(every = 500): Ref<number> {
  const now = ref(Date.now())
  const timer = setInterval(() => {
    now.value = Date.now()
  }, every)
  onBeforeUnmount(() => clearInterval(timer))
  return now
}

/** How long something has to last before it is said; times are ms of a monotonic clock. */
export class Lasting {
  private since: number | null = null

  constructor(private readonly enough: number) {}

  look(now: number, holds: boolean): boolean {
    if (!holds) {
      this.since = null
      return false
    }
    this.since ??= now
    return now - this.since >= this.enough
  }
}
