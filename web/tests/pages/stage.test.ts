import { describe, expect, it } from 'vitest'
import type { SlotState, SlotView } from '../../src/channel/messages'
import { SLOTS, type Slot } from '../../src/media/offer'
import { arrange } from '../../src/pages/room/stage'

function slots(states: Partial<Record<Slot, SlotState>>): Record<Slot, SlotView> {
  return Object.fromEntries(
    SLOTS.map((slot) => {
      const state = states[slot] ?? 'empty'
      return [slot, { slot, state, name: state === 'empty' ? null : slot, branch: null, member: null, video: null }]
    }),
  ) as Record<Slot, SlotView>
}

const alone = (main: Slot, small: Slot[] = [], inset = false): unknown => ({ main, second: null, small, inset })

describe('the stage', () => {
  it('follows the layout, as far as what it asks for is there', () => {
    const all = slots({ lecturer: 'live', screen: 'live', guest: 'live' })
    expect(arrange(all, 'lecturer', null)).toEqual(alone('lecturer', ['screen', 'guest']))
    expect(arrange(all, 'screen', null)).toEqual(alone('screen', ['lecturer', 'guest'], true))
    expect(arrange(all, 'guest', null)).toEqual(alone('guest', ['lecturer', 'screen']))
    expect(arrange(all, 'side-by-side', null)).toEqual({ main: 'lecturer', second: 'guest', small: ['screen'], inset: false })
    expect(arrange(slots({ lecturer: 'live' }), 'screen', null)).toEqual(alone('lecturer'))
    expect(arrange(slots({ lecturer: 'live' }), 'side-by-side', null)).toEqual(alone('lecturer'))
    expect(arrange(slots({ lecturer: 'live' }), 'guest', null)).toEqual(alone('lecturer'))
    expect(arrange(slots({ host: 'live', guest: 'live' }), 'side-by-side', null)).toEqual({ main: 'host', second: 'guest', small: [], inset: false })
  })

  it('keeps the place of a guest who is lost or on the way', () => {
    expect(arrange(slots({ lecturer: 'live', guest: 'lost' }), 'side-by-side', null).second).toBe('guest')
    expect(arrange(slots({ lecturer: 'live', guest: 'expected' }), 'side-by-side', null).second).toBe('guest')
    expect(arrange(slots({ lecturer: 'live', guest: 'expected' }), 'guest', null).main).toBe('guest')
    expect(arrange(slots({ lecturer: 'live', guest: 'expected' }), 'lecturer', null)).toEqual(alone('lecturer'))
    expect(arrange(slots({ lecturer: 'lost', guest: 'live' }), 'side-by-side', null).main).toBe('lecturer')
  })

  it('follows the tap while that slot is on', () => {
    const both = slots({ lecturer: 'live', screen: 'live', guest: 'live' })
    expect(arrange(both, 'lecturer', 'guest')).toEqual(alone('guest', ['lecturer', 'screen']))
    expect(arrange(both, 'side-by-side', 'screen')).toEqual(alone('screen', ['lecturer', 'guest'], true))
    expect(arrange(slots({ lecturer: 'live' }), 'lecturer', 'guest').main).toBe('lecturer')
  })

  it('keeps the lecturer’s place with nobody on, and gives it to who is on', () => {
    expect(arrange(slots({}), 'lecturer', null)).toEqual(alone('lecturer'))
    expect(arrange(slots({ host: 'live' }), 'lecturer', null).main).toBe('host')
    expect(arrange(slots({ lecturer: 'lost', host: 'live' }), 'lecturer', null)).toEqual(alone('host', ['lecturer']))
    expect(arrange(slots({ lecturer: 'lost', screen: 'lost' }), 'screen', null)).toEqual(alone('lecturer'))
    expect(arrange(slots({ lecturer: 'live', screen: 'lost' }), 'screen', null).small).toEqual(['screen'])
    expect(arrange(slots({ lecturer: 'expected' }), 'lecturer', null).main).toBe('lecturer')
  })
})
