/** What pages ask about a person's own part on the stage. */

import type { Part } from '../channel/messages'
import type { RoomState } from '../channel/room'
import { SLOTS, type Slot } from '../media/offer'

/** The slots that show this person: nobody is sent their own picture, so nothing comes back on them. */
export function ownSlots(room: Pick<RoomState, 'slots' | 'you'>): Slot[] {
  return SLOTS.filter((slot) => room.you !== null && room.slots[slot].member === room.you.id)
}

/** What is said to someone whose part has ended; a word of the table of sentences (`part.off.…`). */
export type Farewell = 'thanks' | 'left' | 'time-out' | 'lost'

/** Null where nothing need be said: it was declined, or the lecture is over and the page says so. */
export function farewell(before: Part, reason: string | null): Farewell | null {
  if (before === 'off' || reason === 'declined') return null
  if (before === 'lost' && (reason === 'time-out' || reason === 'lost')) return 'lost'
  if (before === 'on' || before === 'lost') return 'thanks'
  if (reason === 'time-out') return 'time-out'
  return before === 'called' ? null : 'left'
}
