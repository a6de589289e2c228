import { describe, expect, it } from 'vitest'
import { Faults, grade, outboundOf } from '../../src/media/outbound'

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

const look = (heard: number, encoded: number, given: number, limited = 'none') =>
  outboundOf([
    { type: 'transport', bytesReceived: heard },
    { type: 'media-source', kind: 'video', frames: given },
    { type: 'outbound-rtp', kind: 'video', framesEncoded: encoded, qualityLimitationReason: limited, frameWidth: 640 },
  ])

describe('the faults of a publisher', () => {
  it('are that nothing comes back', () => {
    const faults = new Faults()
    faults.look(0, look(100, 0, 0))
    faults.look(2_000, look(100, 10, 10))
    expect(faults.unheard).toBe(false)
    faults.look(2_500, look(100, 20, 20))
    expect(faults.unheard).toBe(true)
    faults.look(3_000, look(101, 30, 30))
    expect(faults.unheard).toBe(false)
  })

  it('are an encoder that takes pictures and gives none', () => {
    const faults = new Faults()
    faults.look(0, look(1, 5, 5))
    faults.look(4_000, look(2, 5, 10))
    expect(faults.unencoded).toBe(false) // a screen that stands still
    faults.look(4_500, look(3, 5, 130))
    expect(faults.unencoded).toBe(true)
    faults.look(5_000, look(4, 6, 140))
    expect(faults.unencoded).toBe(false)
  })

  it('are not what a browser leaves out for want of bandwidth', () => {
    const faults = new Faults()
    faults.look(0, look(1, 5, 5))
    faults.look(5_000, look(2, 5, 150, 'bandwidth'))
    expect(faults.unencoded).toBe(false)
  })
})
