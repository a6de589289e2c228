import { describe, expect, it } from 'vitest'
import { CAMERA, encodingsOf, SCREEN } from '../../src/media/whip'

const HD = { width: 1280, height: 720 }
const rids = (encodings: RTCRtpEncodingParameters[]): (string | undefined)[] => encodings.map((one) => one.rid)

describe('the sizes in which a picture is sent', () => {
  it('are three of a camera, the smallest first', () => {
    const encodings = encodingsOf(CAMERA, HD, true)
    expect(rids(encodings)).toEqual(['q', 'h', 'f'])
    expect(encodings.map((one) => one.scaleResolutionDownBy)).toEqual([4, 2, 1])
  })

  it('are two of a screen, of which the whole has fewer frames', () => {
    const [half, whole] = encodingsOf(SCREEN, { width: 1920, height: 1080 }, true)
    expect([half?.rid, whole?.rid]).toEqual(['h', 'f'])
    expect(whole?.maxFramerate).toBeLessThan(half?.maxFramerate ?? 0)
  })

  it('are fewer where the picture is small, and always hold the whole', () => {
    expect(rids(encodingsOf(CAMERA, { width: 640, height: 480 }, true))).toEqual(['h', 'f'])
    expect(encodingsOf(CAMERA, { width: 320, height: 240 }, true)).toEqual([
      { maxBitrate: 2_500_000, maxFramerate: 30 },
    ])
    expect(rids(encodingsOf(CAMERA, {}, true))).toEqual([undefined])
  })

  it('is one in a browser that was not measured', () => {
    expect(encodingsOf(CAMERA, HD, false)).toEqual([{ maxBitrate: 2_500_000, maxFramerate: 30 }])
  })

  it('are within what the relay allows a publisher', () => {
    for (const picture of [CAMERA, SCREEN])
      expect(picture.layers.reduce((sum, layer) => sum + layer.maxBitrate, 0)).toBeLessThanOrEqual(picture.maxBitrate)
  })
})
