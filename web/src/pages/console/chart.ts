/** What the chart of the evening is told to draw. */

import type { Happened } from '../../rest/evening'
import type { Curve, Curves, Span } from '../../rest/report'
import { clock, grouped, toSecond } from '../../words/times'
import { t } from '../../words/words'
import { sentence } from './timeline'

/** Of what happened, what is marked on the curve, each with its number in the list below. */
export interface Marked {
  number: number
  at: string
  text: string
}

const MARKED: ReadonlySet<string> = new Set(['started', 'interrupted', 'testimonial', 'sign-in', 'poll', 'ended'])

export function marked(events: readonly Happened[], curve: Curve): Marked[] {
  const from = Date.parse(curve.from)
  const to = from + curve.connected.length * curve.step_seconds * 1000
  return events
    .filter((one) => MARKED.has(one.kind) && Date.parse(one.at) >= from && Date.parse(one.at) <= to)
    .map((one, at) => ({ number: at + 1, at: one.at, text: sentence(one) }))
}

/** The most that received at once, and when; null: nobody was measured. */
export function peak(curve: Curve): { count: number; at: number } | null {
  let found: { count: number; at: number } | null = null
  for (const [number, count] of curve.receiving.entries())
    if (count !== null && count > 0 && (found === null || count > found.count))
      found = { count, at: Date.parse(curve.from) + number * curve.step_seconds * 1000 }
  return found
}

type Point = [number, number | null]

function points(curve: Curve, counts: readonly (number | null)[]): Point[] {
  const from = Date.parse(curve.from)
  return counts.map((count, at) => [from + at * curve.step_seconds * 1000, count])
}

function bands(spans: readonly Span[], color: string, name: string): unknown[] {
  return spans.map((one) => [{ name, xAxis: Date.parse(one.from), itemStyle: { color }, label: { show: false } }, { xAxis: Date.parse(one.to) }])
}

/** ms. What is shorter has its seconds told. */
const SHORT = 3 * 60_000

/** A tick's words: none between two minutes, where every tick would repeat the same one. */
function tick(shortened: boolean): (at: number) => string {
  if (shortened) return (at) => toSecond(at)
  return (at) => (at % 60_000 === 0 ? clock(at) : '')
}

export function options(told: Curves, curve: Curve, events: readonly Marked[]): Record<string, unknown> {
  const line = { type: 'line', showSymbol: false, connectNulls: false, animation: false }
  return {
    animation: false,
    grid: { left: 52, right: 16, top: 34, bottom: 30 },
    xAxis: { type: 'time', axisLabel: { fontSize: 14, formatter: tick(curve.connected.length * curve.step_seconds * 1000 < SHORT), hideOverlap: true }, splitLine: { show: false } },
    yAxis: { type: 'value', minInterval: 1, axisLabel: { fontSize: 14, formatter: (count: number) => grouped(count) } },
    tooltip: {
      trigger: 'axis',
      confine: true,
      formatter: (at: readonly { value: Point; seriesName: string }[]) =>
        [clock(at[0]?.value[0] ?? 0), ...at.map(({ value, seriesName }) => `${seriesName} ${value[1] === null ? t('console.unmeasured') : grouped(value[1])}`)].join('<br>'),
    },
    series: [
      {
        ...line,
        name: t('curve.connected'),
        data: points(curve, curve.connected),
        step: 'end',
        lineStyle: { type: 'dashed', width: 1.5, color: '#5d564c' },
        itemStyle: { color: '#5d564c' },
        markLine: {
          symbol: 'none',
          silent: true,
          animation: false,
          lineStyle: { type: 'solid', width: 1, color: '#9c2b2b' },
          label: { fontSize: 14, formatter: '{b}', color: '#9c2b2b', position: 'end' },
          data: events.map((one) => ({ name: String(one.number), xAxis: Date.parse(one.at) })),
        },
        markArea: {
          silent: true,
          animation: false,
          data: [...bands(told.outages, '#d2cbc0', t('evening.outage')), ...bands(told.silent, '#ece6dc', t('evening.silent'))],
        },
      },
      {
        ...line,
        name: t('curve.receiving'),
        data: points(curve, curve.receiving),
        step: 'end',
        lineStyle: { width: 2, color: '#1d7148' },
        itemStyle: { color: '#1d7148' },
        areaStyle: { color: '#1d7148', opacity: 0.08 },
      },
    ],
  }
}
