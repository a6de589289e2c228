import { describe, expect, it } from 'vitest'
import type { SlotState, SlotView } from '../../src/channel/messages'
import { SLOTS, type Slot } from '../../src/media/offer'
import { counts, filtered, worstFirst } from '../../src/pages/console/live'
import { opening } from '../../src/pages/console/opening'
import { address, parse } from '../../src/pages/console/route'
import { arrange } from '../../src/pages/room/stage'
import type { Lecture, LiveBranch, LiveMember } from '../../src/rest/office'

function slots(states: Partial<Record<Slot, SlotState>>): Record<Slot, SlotView> {
  return Object.fromEntries(
    SLOTS.map((slot) => [
      slot,
      { slot, state: states[slot] ?? 'empty', name: null, branch: null, member: null, video: null },
    ]),
  ) as Record<Slot, SlotView>
}

describe('the stage', () => {
  it('shows the lecturer, and the screen while there is one', () => {
    expect(arrange(slots({ lecturer: 'live' }), null)).toEqual({ main: 'lecturer', small: [] })
    expect(arrange(slots({ lecturer: 'live', screen: 'live' }), null)).toEqual({ main: 'screen', small: ['lecturer'] })
  })

  it('follows the tap while that slot is on', () => {
    const both = { lecturer: 'live', screen: 'live', guest: 'live' } as const
    expect(arrange(slots(both), 'guest')).toEqual({ main: 'guest', small: ['lecturer', 'screen'] })
    expect(arrange(slots({ lecturer: 'live' }), 'guest').main).toBe('lecturer')
  })

  it('keeps the lecturer’s place with nobody on, and gives it to who is on', () => {
    expect(arrange(slots({}), null)).toEqual({ main: 'lecturer', small: [] })
    expect(arrange(slots({ host: 'live' }), null).main).toBe('host')
    expect(arrange(slots({ lecturer: 'lost', host: 'live' }), null)).toEqual({ main: 'host', small: ['lecturer'] })
    expect(arrange(slots({ lecturer: 'lost', screen: 'lost' }), null)).toEqual({ main: 'lecturer', small: [] })
    expect(arrange(slots({ lecturer: 'live', screen: 'lost' }), null).small).toEqual(['screen'])
    expect(arrange(slots({ lecturer: 'expected' }), null).main).toBe('lecturer')
  })
})

const branch = (name: string, invited: number, receiving: number, missing: number): LiveBranch => ({
  branch: name,
  invited,
  receiving,
  connected: receiving,
  missing,
})
const member = (name: string, more: Partial<LiveMember> = {}): LiveMember => ({
  id: name,
  name,
  branch: '镇巴县 / 泾洋',
  phone: '139****0001',
  connected: false,
  receiving: false,
  first_join: null,
  credited_seconds: null,
  trouble: null,
  ...more,
})

describe('the live list', () => {
  it('has the branch with the smallest share first', () => {
    const sorted = worstFirst([branch('甲', 10, 10, 0), branch('乙', 10, 2, 8), branch('丙', 100, 20, 80), branch('丁', 0, 0, 0)])
    expect(sorted.map((one) => one.branch).slice(0, 2)).toEqual(['丙', '乙'])
    expect(sorted.at(-1)?.branch).toMatch(/甲|丁/)
  })

  it('is filtered by standing, words and branch', () => {
    const members = [
      member('张伟', { receiving: true, connected: true }),
      member('李芳', { connected: true, trouble: 'no-udp' }),
      member('王强', { branch: '勉县' }),
    ]
    expect(counts(members)).toEqual({ all: 3, receiving: 1, connected: 1, missing: 1, trouble: 1 })
    expect(filtered(members, 'missing', '', null).map((one) => one.name)).toEqual(['王强'])
    expect(filtered(members, 'all', '镇巴 李', null).map((one) => one.name)).toEqual(['李芳'])
    expect(filtered(members, 'all', '', '勉县').map((one) => one.name)).toEqual(['王强'])
    expect(filtered(members, 'all', '0001', null)).toHaveLength(3)
  })
})

describe('the console’s addresses', () => {
  it('go there and back', () => {
    for (const route of [
      { lecture: null, tab: 'live' as const },
      { lecture: 'a b', tab: 'report' as const },
    ])
      expect(parse(address(route))).toEqual(route)
  })

  it.each(['', '#', '#/x', '#/lecture/', '#/lecture/%E0/live'])('may be nonsense: %s', (fragment) => {
    expect(parse(fragment)).toEqual({ lecture: null, tab: 'live' })
  })
})

const at = (day: number, hour: number): string => new Date(2026, 6, day, hour).toISOString()
const lecture = (id: string, state: Lecture['state'], starts: string | null = null): Lecture => ({
  id,
  title: id,
  starts,
  ends: null,
  state,
  invited: 3,
})

describe('where the console opens', () => {
  const now = new Date(2026, 6, 14, 18, 0)

  it('is the lecture that goes on, whatever was planned', () => {
    const lectures = [lecture('later', 'planned', at(14, 19)), lecture('old', 'ended', at(14, 9)), lecture('on', 'live')]
    expect(opening(lectures, now)).toBe('on')
    expect(opening([...lectures.slice(0, 2), lecture('broken', 'interrupted', at(14, 17))], now)).toBe('broken')
  })

  it('is else the first one of today', () => {
    const lectures = [
      lecture('tomorrow', 'planned', at(15, 9)),
      lecture('late', 'planned', at(14, 20)),
      lecture('next', 'planned', at(14, 19)),
    ]
    expect(opening(lectures, now)).toBe('next')
  })

  it('is else the list', () => {
    expect(opening([lecture('undated', 'planned'), lecture('done', 'ended', at(14, 9))], now)).toBe(null)
    expect(opening([], now)).toBe(null)
  })
})
