/** Who may say what now, and why not: the room's rules as sentences at the input. Pure. */

import type { Chat } from '../channel/messages'
import { keepsOrder, restOf, type RoomState } from '../channel/room'
import type { ChannelPhase } from '../channel/socket'
import type { Word } from '../words/words'

/** Why nothing of any kind can be sent now; null while it can. */
export function whyClosed(room: RoomState, phase: ChannelPhase): Word | null {
  if (!room.known) return 'chat.closed.joining'
  return phase === 'open' ? null : 'chat.closed.away'
}

/** Why nothing can be said in the discussion now. */
export function whyQuiet(room: RoomState, phase: ChannelPhase): Word | null {
  const closed = whyClosed(room, phase)
  if (closed) return closed
  if (room.muted) return 'chat.closed.muted'
  return room.rules?.muted && !keepsOrder(room) ? 'chat.closed.all' : null
}

/** Why no question can be asked now. */
export function whyNoQuestion(room: RoomState, phase: ChannelPhase): Word | null {
  return whyClosed(room, phase) ?? (room.muted ? 'ask.closed.muted' : null)
}

/** Seconds of slow mode until the next line may be said, after those that wait; 0 when it may. `wall`: this page's clock, ms. */
export function slowFor(room: RoomState, waiting: number, wall: number): number {
  const slow = keepsOrder(room) ? 0 : (room.rules?.slow ?? 0)
  return Math.ceil(restOf(room, wall) / 1000) + waiting * slow
}

/** The writer of this line may not write now, as those who keep order know it. */
export function isMuted(room: Pick<RoomState, 'kept'>, line: Chat): boolean {
  return (room.kept?.muted ?? []).some((one) => one.name === line.name && one.branch === line.branch)
}

/** Lecturer, host and staff keep order; nobody keeps order among them. */
export function sanctionable(role: string): boolean {
  return role === 'member' || role === 'guest'
}
