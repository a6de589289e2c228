import { describe, expect, it } from 'vitest'
import { troubleOf } from '../../src/media/devices'
import { loudness } from '../../src/media/level'

describe('a device that cannot be had', () => {
  it.each([
    ['NotAllowedError', 'refused'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
    ['TypeError', 'other'],
  ])('%s is %s', (name, trouble) => {
    expect(troubleOf(name)).toBe(trouble)
  })
})

describe('loudness', () => {
  it('follows the ear from silence to full scale', () => {
    expect(loudness(new Float32Array(64))).toBe(0)
    expect(loudness(new Float32Array(64).fill(1))).toBe(1)
    expect(loudness(new Float32Array(64).fill(0.1))).toBeCloseTo(0.667, 2)
  })
})
