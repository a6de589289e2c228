/**
 * Marks in the media that this page received, for its heartbeats: the contributing sources (RFC 3550 §5.1) of the
 * session's packets, which the relay wrote into this viewer's copy alone and changes every ten seconds.
 *
 * Theory of operation. The browser remembers sources for ten seconds, so they are read more often than that. A mark is
 * echoed in every heartbeat while it is young: one that is lost with a socket is said again by the next.
 */

import type { Proof } from '../channel/messages'

/** After so many ms a mark proves nothing any more. */
const YOUNG = 30_000
/** What a message holds at most; the newest are said. */
const MOST = 16

export class Marks {
  private readonly seen = new Map<number, number>()

  note(marks: Iterable<number>, now: number): void {
    for (const mark of marks) {
      if (!this.seen.has(mark)) this.seen.set(mark, now)
    }
  }

  /** Oldest first. */
  young(now: number): number[] {
    for (const [mark, since] of this.seen) if (now - since > YOUNG) this.seen.delete(mark)
    return [...this.seen.keys()].slice(-MOST)
  }
}

/** Where a browser lacks it, nothing is proved, and receiver reports alone count. */
export function marksOf(receivers: Iterable<RTCRtpReceiver>): number[] {
  const found = new Set<number>()
  for (const receiver of receivers) {
    for (const one of receiver.getContributingSources?.() ?? []) found.add(one.source)
  }
  return [...found]
}

export function proofsOf(session: string | null, marks: number[]): Proof[] {
  return session === null || marks.length === 0 ? [] : [{ session, marks }]
}
