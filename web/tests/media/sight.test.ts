import { describe, expect, it } from 'vitest'
import { sightOf } from '../../src/media/sight'
import type { Slot } from '../../src/media/offer'

const MIDS = new Map<string, Slot>([
  ['0', 'lecturer'],
  ['1', 'lecturer'],
  ['3', 'screen'],
])
const NTP = 2_208_988_800_000

describe('the statistics of a browser', () => {
  it('are sorted by slot', () => {
    const sight = sightOf(
      [
        { type: 'transport', bytesReceived: 9_000 },
        { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.025, bytesReceived: 9_000 },
        { type: 'inbound-rtp', kind: 'audio', mid: '0', packetsReceived: 50, packetsLost: 1, bytesReceived: 100 },
        {
          type: 'inbound-rtp',
          kind: 'video',
          mid: '1',
          packetsReceived: 80,
          packetsLost: 0,
          framesDecoded: 24,
          freezeCount: 1,
          estimatedPlayoutTimestamp: 1_000_000 + NTP - 120,
        },
        { type: 'inbound-rtp', kind: 'video', mid: '3', packetsReceived: 10, framesDecoded: 3, freezeCount: 0 },
      ],
      MIDS,
      1_000_000,
    )
    expect(sight.slots.lecturer).toEqual({ frames: 24, audio: 50, video: 80 })
    expect(sight.slots.screen.frames).toBe(3)
    expect(sight).toMatchObject({ bytes: 9_000, received: 140, lost: 1, freezes: 1, rtt: 25, delay: 120 })
  })

  it('may lack the transport, as in Firefox', () => {
    const sight = sightOf([{ type: 'inbound-rtp', kind: 'audio', mid: '0', bytesReceived: 700 }], MIDS, 0)
    expect(sight.bytes).toBe(700)
  })

  it('leave out lines that nobody named, and clocks that disagree', () => {
    const sight = sightOf(
      [{ type: 'inbound-rtp', kind: 'video', mid: '9', framesDecoded: 5, estimatedPlayoutTimestamp: 1 }],
      MIDS,
      0,
    )
    expect(Object.values(sight.slots).every((line) => line.frames === 0)).toBe(true)
    expect(sight.delay).toBeNull()
  })
})
