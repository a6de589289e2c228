/** Who may say what now, and why not: the room's rules as sentences at the input. Pure. */

import type { RoomState } from '../channel/room'
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
  return room.rules?.muted && room.you?.role === 'member' ? 'chat.closed.all' : null
}

/** Why no question can be asked now. */
export function whyNoQuestion(room: RoomState, phase: ChannelPhase): Word | null {
  return whyClosed(room, phase) ?? (room.muted ? 'ask.closed.muted' : null)
}

/** Seconds of slow mode until the next line may be said; 0 when it may. `wall`: this page's clock, ms. */
export function slowFor(room: RoomState, wall: number): number {
  const { rules, you } = room
  if (!rules || rules.slow === 0 || you?.role !== 'member') return 0
  const own = room.chat.filter((line) => line.name === you.name && line.branch === you.branch)
  const last = own.at(-1)
  if (!last) return 0
  return Math.max(0, Math.ceil((Date.parse(last.at) + rules.slow * 1000 - wall - room.skew) / 1000))
}

/** Lecturer, host and staff keep order; nobody keeps order among them. */
export function sanctionable(role: string): boolean {
  return role === 'member' || role === 'guest'
}
