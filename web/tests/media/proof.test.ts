import { expect, test } from 'vitest'
import { Marks, marksOf, proofsOf } from '../../src/media/proof'

const receiver = (...sources: number[]): RTCRtpReceiver =>
  ({ getContributingSources: () => sources.map((source) => ({ source, timestamp: 0, rtpTimestamp: 0 })) }) as unknown as RTCRtpReceiver

test('the marks of all lines, each once', () => {
  expect(marksOf([receiver(1, 2), receiver(2, 3), receiver()])).toEqual([1, 2, 3])
})

test('a browser that cannot tell has none', () => {
  expect(marksOf([{} as RTCRtpReceiver])).toEqual([])
})

test('a mark is said again while it is young', () => {
  const marks = new Marks()
  marks.note([7], 0)
  marks.note([7, 8], 9_000)
  expect(marks.young(15_000)).toEqual([7, 8])
  expect(marks.young(31_000)).toEqual([8])
  expect(marks.young(60_000)).toEqual([])
})

test('no more than a message holds', () => {
  const marks = new Marks()
  marks.note(Array.from({ length: 40 }, (_, index) => index), 0)
  expect(marks.young(1)).toHaveLength(16)
  expect(marks.young(1)[15]).toBe(39)
})

test('without a session or a mark there is no proof', () => {
  expect(proofsOf(null, [1])).toEqual([])
  expect(proofsOf('w1', [])).toEqual([])
  expect(proofsOf('w1', [1])).toEqual([{ session: 'w1', marks: [1] }])
})
