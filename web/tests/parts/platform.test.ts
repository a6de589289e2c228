import { describe, expect, it } from 'vitest'
import { platformOf } from '../../src/parts/platform'
import { en } from '../../src/words/en'
import { zh } from '../../src/words/zh'

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Version/17.4 Mobile/15E148 Safari/604.1'
const PIXEL = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/124.0.0.0 Mobile Safari/537.36'
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15'

describe('the platform', () => {
  it('is told by what the browser says of itself', () => {
    expect(platformOf(IPHONE, 5)).toBe('ios')
    expect(platformOf(`${IPHONE} MicroMessenger/8.0.49`, 5)).toBe('wechat')
    expect(platformOf(PIXEL, 5)).toBe('android')
    expect(platformOf(MAC, 0)).toBe('desktop')
    expect(platformOf(MAC, 5)).toBe('ios')
  })

  it('has a remedy of its own for a camera that was refused', () => {
    for (const name of ['wechat', 'ios', 'android']) for (const words of [zh, en]) expect(words).toHaveProperty([`device.refused.text-${name}`])
  })
})
