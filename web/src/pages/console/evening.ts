/** One member's evening as bars: what was seen of them, by which evidence, on one scale of time. */

import type { Evening, Session, Span } from '../../rest/report'

export type Lane = 'receiving' | 'connected' | 'visible' | 'on_stage'
export const LANES: readonly Lane[] = ['receiving', 'connected', 'visible', 'on_stage']

/** Parts of the scale, 0 to 1. */
export interface Bar {
  left: number
  width: number
}

export interface Scale {
  from: number
  to: number
}

const ms = (moment: string): number => Date.parse(moment)
const MARGIN = 120_000

/** From a little before the first thing that is known to a little after the last. */
export function scaleOf(evening: Evening): Scale | null {
  const moments = evening.sessions.flatMap((one) => [ms(one.from), ms(one.to)])
  for (const moment of [evening.started, evening.ended]) if (moment !== null) moments.push(ms(moment))
  for (const one of evening.failures) moments.push(ms(one.at))
  if (moments.length === 0) return null
  return { from: Math.min(...moments) - MARGIN, to: Math.max(...moments) + MARGIN }
}

export function bar(span: Span, scale: Scale): Bar {
  const whole = scale.to - scale.from
  const left = Math.max(0, (ms(span.from) - scale.from) / whole)
  const right = Math.min(1, (ms(span.to) - scale.from) / whole)
  return { left, width: Math.max(0.002, right - left) }
}

export function placeOf(moment: string, scale: Scale): number {
  return (ms(moment) - scale.from) / (scale.to - scale.from)
}

/** Full minutes, six at most: more do not fit a phone. */
export function ticks(scale: Scale): number[] {
  const whole = scale.to - scale.from
  const every = ([1, 2, 5, 10, 15, 20, 30, 60, 120, 240].find((each) => whole / (each * 60_000) <= 5) ?? 1440) * 60_000
  const found: number[] = []
  for (let at = Math.ceil(scale.from / every) * every; at < scale.to; at += every) found.push(at)
  return found
}

export function inLane(evening: Evening, lane: Lane): Session[] {
  return evening.sessions.filter((one) => one.kind === lane)
}
