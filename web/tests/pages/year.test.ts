import { describe, expect, it } from 'vitest'
import { address, parse } from '../../src/pages/console/route'
import { counts, filtered, level, percent, steps, toneOf, written } from '../../src/pages/console/year'
import type { YearBranch, YearMember } from '../../src/rest/year'

function member(name: string, branch: string, hours: number, more: Partial<YearMember> = {}): YearMember {
  const none = { invited: 0, present: 0, partly: 0, excused: 0, absent: 0, not_measured: 0 }
  return { id: name, name, branch, phone: null, kind: 'member', left: false, hours, target: 32, progress: hours / 32, ...none, ...more }
}

const branch = (path: string, progress: number): YearBranch => ({ branch: path, members: 1, reached: 0, not_measured: 0, progress })
const BRANCHES = [branch('', 0.2), branch('镇巴县', 0.1), branch('镇巴县 / 观音镇', 0.1), branch('西乡县', 0.3)]
const MEMBERS = [
  member('张伟', '镇巴县 / 观音镇', 1.5),
  member('李娜', '镇巴县二分会', 40, { kind: 'officer', phone: '138****0001' }),
  member('王芳', '西乡县', 32, { not_measured: 2 }),
]

const names = (found: YearMember[]): string[] => found.map((one) => one.name)

describe('the page of a year', () => {
  it('filters by place, standing and what is typed, and keeps the order', () => {
    expect(names(filtered(MEMBERS, 'all', '', ''))).toEqual(['张伟', '李娜', '王芳'])
    expect(names(filtered(MEMBERS, 'all', '', '镇巴县'))).toEqual(['张伟'])
    expect(names(filtered(MEMBERS, 'short', '', ''))).toEqual(['张伟'])
    expect(names(filtered(MEMBERS, 'reached', '0001', ''))).toEqual(['李娜'])
    const unknown = member('赵敏', '洋县', 0, { hours: null, progress: null, not_measured: 1 })
    expect(filtered([unknown], 'short', '', '')).toEqual([])
    expect(counts(MEMBERS, '')).toEqual({ all: 3, short: 1, reached: 2, officer: 1, unmeasured: 1 })
  })

  it('goes down the tree, and shows the neighbours of a branch that has none below it', () => {
    expect(level(BRANCHES, '', '').rows.map((one) => one.branch)).toEqual(['镇巴县', '西乡县'])
    expect(level(BRANCHES, '镇巴县', '').rows.map((one) => one.branch)).toEqual(['镇巴县 / 观音镇'])
    expect(level(BRANCHES, '西乡县', '').at).toBe('')
    expect(level(BRANCHES, '镇巴县 / 观音镇', '镇巴县').at).toBe('镇巴县')
    expect(level([branch('西乡县', 0)], '西乡县', '西乡县')).toEqual({ at: '西乡县', rows: [] })
    expect(steps('镇巴县 / 观音镇', '镇巴县')).toEqual([{ name: '观音镇', path: '镇巴县 / 观音镇' }])
  })

  it('writes hours without idle zeros and never rounds a share up', () => {
    expect([1.5, 32, 0.1 + 0.2].map(written)).toEqual(['1.5', '32', '0.3'])
    expect([0.999, 1, 0.29, null].map(percent)).toEqual(['99%', '100%', '29%', null])
  })

  it('never shows in red what was not measured', () => {
    expect([toneOf('not-measured'), toneOf('excused'), toneOf('absent'), toneOf('late')]).toEqual(['soft', 'soft', 'bad', 'warn'])
  })

  it('has an address of its own', () => {
    expect(parse(address({ lecture: null, tab: 'live', year: 2025 }))).toEqual({ lecture: null, tab: 'live', year: 2025 })
    expect(parse('#/year/x').year).toBe(new Date().getFullYear())
    expect(parse('#/').year).toBeUndefined()
  })
})
