/** Which slot is large and which are small: from what the room says and what the person tapped. */

import type { SlotView } from '../../channel/messages'
import { SLOTS, type Slot } from '../../media/offer'

export interface Arrangement {
  main: Slot
  small: Slot[]
}

/** A slot that has something to show, be it the card of someone who was lost. */
export function isOn(view: SlotView): boolean {
  return view.state === 'live' || view.state === 'lost'
}

/** A screen that went together with who shared it needs no card of its own. */
function isWorthShowing(slots: Record<Slot, SlotView>, slot: Slot): boolean {
  return isOn(slots[slot]) && (slot !== 'screen' || slots.screen.state === 'live' || slots.lecturer.state === 'live')
}

/**
 * The chosen slot while it is on; else the screen, else the lecturer, else whoever is on; with nobody the lecturer's
 * place, for its card says what will come.
 */
export function arrange(slots: Record<Slot, SlotView>, chosen: Slot | null): Arrangement {
  const on = SLOTS.filter((slot) => isWorthShowing(slots, slot))
  const first = (['screen', 'lecturer', 'host', 'guest'] as const).find((slot) => slots[slot].state === 'live')
  const main = chosen !== null && on.includes(chosen) ? chosen : (first ?? on[0] ?? 'lecturer')
  return { main, small: on.filter((slot) => slot !== main) }
}
