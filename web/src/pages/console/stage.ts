/** What the console says of the stage: what may be done with whom, and which slots are used. */

import type { Part, SlotView, Testimonial } from '../../channel/messages'

export type Deed = 'call' | 'put-on' | 'take-off'

const DEEDS: Record<Part, readonly Deed[]> = {
  off: ['call'],
  called: ['take-off'],
  checking: ['take-off'],
  backstage: ['put-on', 'take-off'],
  on: ['take-off'],
  lost: ['take-off'],
}

/** Who is not here cannot be called. */
export function deeds(one: Testimonial): readonly Deed[] {
  return DEEDS[one.part].filter((deed) => deed !== 'call' || one.here)
}

/** Slots that are worth a line: those that are used. */
export function used(slots: Readonly<Record<string, SlotView>>): SlotView[] {
  return ['lecturer', 'screen', 'host', 'guest', 'backstage'].flatMap((name) => {
    const slot = slots[name]
    return slot && slot.state !== 'empty' ? [slot] : []
  })
}
