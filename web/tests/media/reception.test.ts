import { expect, test } from 'vitest'
import { Reception } from '../../src/media/reception'
import { emptySight, type Sight } from '../../src/media/sight'

const sight = (received: number, lost: number, frozen = 0): Sight => ({ ...emptySight(), received, lost, frozen })

test('nothing is said while all is well', () => {
  const reception = new Reception()
  expect(reception.look(sight(1000, 5))).toBeNull()
  expect(reception.look(sight(1200, 5))).toBeNull()
  expect(reception.look(sight(1400, 6))).toBeNull()
})

test('loss and freezes are said, and once that they are over', () => {
  const reception = new Reception()
  reception.look(sight(1000, 0))
  expect(reception.look(sight(1090, 10))).toEqual({ lost: 0.1, frozen_ms: 0 })
  expect(reception.look(sight(1190, 10, 400))).toEqual({ lost: 0, frozen_ms: 400 })
  expect(reception.look(sight(1290, 10, 400))).toEqual({ lost: 0, frozen_ms: 0 })
  expect(reception.look(sight(1390, 10, 400))).toBeNull()
})

test('a count that falls (packets that came after all) is no loss', () => {
  const reception = new Reception()
  reception.look(sight(1000, 50))
  expect(reception.look(sight(1100, 10, 100))).toEqual({ lost: 0, frozen_ms: 100 })
})
