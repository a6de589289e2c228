import { describe, expect, it } from 'vitest'
import { opening } from '../../src/pages/console/opening'
import type { Lecture } from '../../src/rest/office'

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
