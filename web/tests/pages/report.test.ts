import { LineChart } from 'echarts/charts'
import { GridComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { describe, expect, it } from 'vitest'
import { marked, options, peak } from '../../src/pages/console/chart'
import { bar, inLane, placeOf, scaleOf, ticks } from '../../src/pages/console/evening'
import { byBranch, byCity, chosen, ordered, part, percent, sums } from '../../src/pages/console/report'
import type { Happened } from '../../src/rest/evening'
import type { Curve, Curves, Evening, ReportLine, Verdict } from '../../src/rest/report'

const line = (name: string, verdict: Verdict, more: Partial<ReportLine> = {}): ReportLine => ({
  id: name,
  name,
  branch: '镇巴县 / 泾洋',
  role: 'member',
  phone: null,
  city: null,
  verdict,
  leave: null,
  credited_seconds: null,
  share: null,
  first_join: null,
  last_leave: null,
  answered: 0,
  asked: 3,
  failed: 0,
  by_code: false,
  explanation: '',
  ...more,
})

const LINES = [
  line('张伟', 'present', { share: 0.99, credited_seconds: 5346, city: '西安' }),
  line('李芳', 'late', { share: 0.5, credited_seconds: 2700, branch: '镇巴县 / 永乐' }),
  line('王强', 'absent', { share: 0, credited_seconds: 0, branch: '勉县', city: '西安' }),
  line('赵敏', 'not-measured', { branch: '勉县' }),
  line('陈静', 'excused', { share: 0, credited_seconds: 0, branch: '勉县' }),
]
const names = (lines: readonly ReportLine[]): string[] => lines.map((one) => one.name)

describe('the report', () => {
  it('has everybody in one group', () => {
    expect(sums(LINES)).toEqual({ all: 5, present: 1, partial: 1, excused: 1, absent: 1, 'not-measured': 1 })
  })

  it('is filtered by group, words and place', () => {
    expect(names(chosen(LINES, 'absent', '', null))).toEqual(['王强'])
    expect(names(chosen(LINES, 'all', '镇巴 李', null))).toEqual(['李芳'])
    expect(names(chosen(LINES, 'all', '', { path: '', exact: false, city: '西安' }))).toEqual(['张伟', '王强'])
    expect(names(chosen(LINES, 'excused', '', { path: '勉县', exact: false }))).toEqual(['陈静'])
  })

  it('puts what was not measured last, whichever way', () => {
    expect(names(ordered(LINES, { column: 'share', down: false })).at(-1)).toBe('赵敏')
    const down = names(ordered(LINES, { column: 'share', down: true }))
    expect([down[0], down.at(-1)]).toEqual(['张伟', '赵敏'])
    expect(names(ordered(LINES, { column: 'verdict', down: false }))[0]).toBe('王强')
  })

  it('sums branches, the smallest part first, and asks nobody who is excused', () => {
    const rows = byBranch(LINES, '')
    expect(rows.map((one) => [one.name, one.invited, one.groups.absent])).toEqual([['勉县', 3, 1], ['镇巴县', 2, 0]])
    expect(rows.map(part)).toEqual([0, 0.5])
    expect(rows[0]?.share).toBe(0)
    expect(byBranch([line('赵敏', 'not-measured')], '')[0]?.share).toBeNull()
    expect(byBranch(LINES, '镇巴县').map((one) => one.place.path)).toEqual(['镇巴县 / 永乐', '镇巴县 / 泾洋'])
  })

  it('sums cities', () => {
    expect(byCity(LINES).map((one) => [one.name, one.invited, one.place.city])).toContainEqual(['西安', 2, '西安'])
  })

  it('cuts a share', () => {
    expect([percent(0.79999), percent(1), percent(0)]).toEqual(['79.9%', '100.0%', '0.0%'])
  })
})

const CURVE: Curve = {
  from: '2026-11-22T19:20:00+08:00',
  step_seconds: 60,
  connected: [0, 3, 5, null, 4],
  receiving: [0, 2, 5, null, 3],
}
const event = (kind: string, at: string): Happened => ({ kind, at, until: null, name: null, branch: null, by: null, detail: null })
const FRAME = { state: 'ended' as const, started: CURVE.from, ended: null, counted_seconds: 1, scope: '', outages: [{ from: '2026-11-22T19:23:00+08:00', to: '2026-11-22T19:23:30+08:00', cause: 'relay' }], silent: [] }

describe('the curve', () => {
  it.each([1, 2, 4, 8, 11, 90, 240])('tells no time twice on its axis, of %i minutes', (long) => {
    use([LineChart, GridComponent, TooltipComponent, SVGRenderer])
    const step_seconds = long > 60 ? 60 : 5
    const counts = Array.from({ length: (long * 60) / step_seconds }, (_, at) => at % 7)
    const curve: Curve = { from: '2026-11-22T19:20:17+08:00', step_seconds, connected: counts, receiving: counts }
    const chart = init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 260 })
    chart.setOption(options({ ...FRAME, curve } as Curves, curve, []))
    const told = [...chart.renderToSVGString().matchAll(/>(\d\d:\d\d(?::\d\d)?)</g)].map((one) => one[1])
    chart.dispose()
    expect(told.length).toBeGreaterThan(1)
    expect(new Set(told).size, told.join(' ')).toBe(told.length)
  })

  it('has a peak, and leaves what was not measured open', () => {
    expect(peak(CURVE)).toEqual({ count: 5, at: Date.parse('2026-11-22T19:22:00+08:00') })
    expect(peak({ ...CURVE, receiving: [null, 0, 0, null, 0] })).toBeNull()
    const drawn = options({ ...FRAME, curve: CURVE } as Curves, CURVE, []) as { series: { data: [number, number | null][]; connectNulls: boolean }[] }
    expect(drawn.series[1]?.data.map(([, count]) => count)).toEqual([0, 2, 5, null, 3])
    expect(drawn.series.every((one) => !one.connectNulls)).toBe(true)
  })

  it('marks what happened within it', () => {
    const found = marked([event('doors', CURVE.from), event('started', '2026-11-22T19:21:00+08:00'), event('ended', '2026-11-22T23:00:00+08:00')], CURVE)
    expect(found.map((one) => [one.number, one.text])).toEqual([[1, '课堂开始']])
  })
})

describe('an evening', () => {
  const evening = {
    ...FRAME,
    ...line('张伟', 'present'),
    ended: '2026-11-22T19:30:00+08:00',
    sessions: [{ kind: 'receiving', evidence: 'proved', from: '2026-11-22T19:22:00+08:00', to: '2026-11-22T19:26:00+08:00', opened_by: '', closed_by: '', uncertainty_seconds: 3, open: false }],
    bridged: [],
    gaps: [],
    sign_ins: [],
    failures: [],
  } as Evening

  it('is on one scale', () => {
    const scale = scaleOf(evening)
    expect(scale).not.toBeNull()
    if (scale === null) return
    expect((scale.to - scale.from) / 60_000).toBe(14) // ten minutes of lecture, two on each side
    const [session] = inLane(evening, 'receiving')
    const drawn = session && bar(session, scale)
    expect([drawn?.left, drawn?.width].map((value) => Math.round((value ?? 0) * 14))).toEqual([4, 4])
    expect(Math.round(placeOf(FRAME.started, scale) * 14)).toBe(2)
    expect(ticks(scale).length).toBeLessThanOrEqual(8)
  })

  it('has no scale where nothing is known', () => {
    expect(scaleOf({ ...evening, started: null, ended: null, sessions: [] })).toBeNull()
  })
})
