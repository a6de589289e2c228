/** Where each slot stands: from what the room says and what the person tapped. */

import type { Layout, SlotView } from '../../channel/messages'
import { SLOTS, type Slot } from '../../media/offer'

export interface Arrangement {
  main: Slot
  /** Stands beside `main`, as large. */
  second: Slot | null
  small: Slot[]
  /** The small ones lie over the large one where there is room for it. */
  inset: boolean
}

/** A slot that has something to show, be it the card of someone who was lost. */
export function isOn(view: SlotView): boolean {
  return view.state === 'live' || view.state === 'lost'
}

const FIRST: Record<Layout, readonly Slot[]> = {
  lecturer: ['lecturer', 'host', 'guest', 'screen'],
  'side-by-side': ['lecturer', 'host', 'guest', 'screen'],
  screen: ['screen', 'lecturer', 'host', 'guest'],
  guest: ['guest', 'lecturer', 'host', 'screen'],
}

/** Layouts that keep a place for the guest who is on the way. */
const GUESTS: ReadonlySet<Layout> = new Set(['side-by-side', 'guest'])

/** A screen that went together with who shared it needs no card of its own. */
function isWorthShowing(slots: Record<Slot, SlotView>, slot: Slot, layout: Layout): boolean {
  if (slot === 'guest' && slots.guest.state === 'expected' && slots.guest.name !== null) return GUESTS.has(layout)
  return isOn(slots[slot]) && (slot !== 'screen' || slots.screen.state === 'live' || slots.lecturer.state === 'live')
}

/**
 * The slot that the person chose while it is on; else what the layout asks for, as far as it is there; with nobody the
 * lecturer's place, for its card says what will come.
 */
export function arrange(slots: Record<Slot, SlotView>, layout: Layout, chosen: Slot | null): Arrangement {
  const on = SLOTS.filter((slot) => isWorthShowing(slots, slot, layout))
  const rest = (...large: (Slot | null)[]): Slot[] => on.filter((slot) => !large.includes(slot))
  if (chosen !== null && on.includes(chosen)) return { main: chosen, second: null, small: rest(chosen), inset: chosen === 'screen' }
  const guest = on.includes('guest') && GUESTS.has(layout)
  if (layout === 'side-by-side' && guest) {
    const main = FIRST[layout].find((slot) => slot !== 'guest' && slot !== 'screen' && on.includes(slot))
    if (main) return { main, second: 'guest', small: rest(main, 'guest'), inset: false }
  }
  if (layout === 'guest' && guest) return { main: 'guest', second: null, small: rest('guest'), inset: false }
  const main = FIRST[layout].find((slot) => slots[slot].state === 'live') ?? on[0] ?? 'lecturer'
  return { main, second: null, small: rest(main), inset: main === 'screen' }
}
