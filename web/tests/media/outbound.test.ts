import { describe, expect, it } from 'vitest'
import { grade, outboundOf } from '../../src/media/outbound'

const layer = (frameWidth: number, framesPerSecond: number): Record<string, unknown> => ({
  type: 'outbound-rtp',
  kind: 'video',
  bytesSent: 1_000,
  frameWidth,
  framesPerSecond,
  qualityLimitationReason: frameWidth === 1280 ? 'bandwidth' : 'none',
})

describe('what a publisher sends', () => {
  const outbound = outboundOf([
    { type: 'codec', id: 'C1', mimeType: 'video/H264' },
    { type: 'outbound-rtp', kind: 'audio', bytesSent: 1_000 },
    {
      type: 'outbound-rtp',
      kind: 'video',
      bytesSent: 90_000,
      framesEncoded: 60,
      frameWidth: 1280,
      frameHeight: 720,
      framesPerSecond: 30,
      qualityLimitationReason: 'none',
      codecId: 'C1',
    },
    { type: 'remote-inbound-rtp', kind: 'video', fractionLost: 0.01, roundTripTime: 0.04 },
  ])

  it('is read from the statistics', () => {
    expect(outbound).toMatchObject({ bytes: 91_000, width: 1280, fps: 30, codec: 'H264', loss: 0.01, rtt: 40 })
  })

  it('is told by the largest size that goes out', () => {
    expect(outboundOf([layer(320, 30), layer(1280, 29), layer(640, 30)])).toMatchObject({
      bytes: 3_000,
      width: 1280,
      fps: 29,
      limited: 'bandwidth',
    })
    expect(outboundOf([layer(320, 30), layer(1280, 0), layer(640, 25)])).toMatchObject({ width: 640, fps: 25 })
  })

  it('is graded in one word', () => {
    expect(grade({ kbps: 1_500, outbound }, true)).toBe('good')
    expect(grade({ kbps: 700, outbound: { ...outbound, limited: 'bandwidth' } }, true)).toBe('fair')
    expect(grade({ kbps: 60, outbound }, true)).toBe('poor')
    expect(grade({ kbps: 40, outbound }, false)).toBe('good')
    expect(grade({ kbps: 900, outbound: { ...outbound, loss: 0.2 } }, true)).toBe('poor')
  })
})
