import { expect, test } from 'vitest'
import { isTight, megabits } from '../../src/pages/console/uplink'

test('the uplink is tight beyond nine tenths, and never without a limit', () => {
  expect(isTight({ used: 900, limit: 1000 })).toBe(false)
  expect(isTight({ used: 901, limit: 1000 })).toBe(true)
  expect(isTight({ used: 9e12, limit: 0 })).toBe(false)
})

test('megabits as people say them', () => {
  expect([0, 40_000, 1_240_000, 9_940_000, 9_960_000, 720_400_000].map(megabits)).toEqual(['0', '0', '1.2', '9.9', '10', '720'])
})
