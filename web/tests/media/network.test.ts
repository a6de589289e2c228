import { describe, expect, it } from 'vitest'
import { NetworkTest } from '../../src/media/network'
import type { Outbound, Sending } from '../../src/media/outbound'

const sending = (kbps: number, more: Partial<Outbound> = {}): Sending => ({
  kbps,
  outbound: {
    bytes: 0,
    frames: 0,
    encoded: 0,
    given: null,
    heard: 0,
    width: 640,
    height: 360,
    fps: 30,
    limited: 'none',
    codec: 'H264',
    loss: 0,
    rtt: 40,
    ...more,
  },
})

function tested(looks: Sending[], picture = true): string | null {
  const test = new NetworkTest()
  for (const look of looks) test.look(look)
  return test.verdict(picture)
}

describe('the network test', () => {
  it('says nothing before it has seen enough', () => {
    expect(tested(Array.from({ length: 13 }, () => sending(800)))).toBeNull()
  })

  it('leaves the slow start of a browser out', () => {
    expect(tested([...Array.from({ length: 6 }, () => sending(20, { limited: 'bandwidth' })), ...Array.from({ length: 10 }, () => sending(900))])).toBe('good')
  })

  it.each<[string, Sending]>([
    ['good', sending(900)],
    ['fair', sending(900, { loss: 0.04 })],
    ['fair', sending(900, { rtt: 400 })],
    ['fair', sending(200, { limited: 'bandwidth' })],
    ['poor', sending(900, { loss: 0.12 })],
    ['poor', sending(900, { rtt: 900 })],
    ['poor', sending(60)],
  ])('is %s', (verdict, look) => {
    expect(tested(Array.from({ length: 16 }, () => look))).toBe(verdict)
  })

  it('does not ask a voice for a picture’s bits', () => {
    expect(tested(Array.from({ length: 16 }, () => sending(40)), false)).toBe('good')
  })
})
