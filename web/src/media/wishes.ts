/** What a page should see and hear, by what the room says. */

import { isHeardOnly, type RoomState } from '../channel/room'
import { SLOTS, type Slot } from './offer'
import type { Wishes } from './watchdog'

export interface Viewer {
  /** The WHEP session's name. */
  session: string | null
  /** The slots that this person publishes to; nothing is expected to come back on them. */
  own: readonly Slot[]
  /** False: the person wants to hear and not to see. */
  seeing: boolean
  decodes(codec: string | null): boolean
}

export function wishesOf(room: RoomState, viewer: Viewer): Wishes {
  const one = (slot: Slot) => {
    const view = room.slots[slot]
    const seen = viewer.seeing && !isHeardOnly(room, viewer.session, slot)
    // A screen without sound brings nothing to who only listens.
    const live = view.state === 'live' && !viewer.own.includes(slot) && (seen || slot !== 'screen')
    return [slot, { live, picture: seen && viewer.decodes(view.video) }]
  }
  return Object.fromEntries(SLOTS.map(one)) as Wishes
}
