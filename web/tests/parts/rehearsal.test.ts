import { describe, expect, it } from 'vitest'
import { rehearses } from '../../src/parts/rehearsal'

const STARTS = '2026-11-23T12:00:00Z'
const at = (seconds: number): number => Date.parse(STARTS) + seconds * 1000

describe('a rehearsal', () => {
  it('is what goes on before the planned start, in a lecture that nobody has begun', () => {
    expect(rehearses({ state: 'planned', starts: STARTS }, at(-86_400))).toBe(true)
    expect(rehearses({ state: 'lobby', starts: STARTS }, at(-1))).toBe(true)
    expect(rehearses({ state: 'lobby', starts: STARTS }, at(0))).toBe(false)
    expect(rehearses({ state: 'live', starts: STARTS }, at(-60))).toBe(false)
  })

  it('is not without a planned start', () => {
    expect(rehearses({ state: 'planned', starts: null }, at(0))).toBe(false)
    expect(rehearses(null, at(0))).toBe(false)
  })
})
