import { describe, expect, it } from 'vitest'
import { carriedCodecs } from '../../src/media/offer'

const video = (mimeType: string, sdpFmtpLine?: string): RTCRtpCodec => ({
  mimeType,
  clockRate: 90_000,
  ...(sdpFmtpLine ? { sdpFmtpLine } : {}),
})
const H264 = (profile: string, mode: number): RTCRtpCodec =>
  video('video/H264', `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`)

/** As Chromium 156 lists them. */
const CHROMIUM = [
  video('video/VP8'),
  video('video/rtx'),
  video('video/VP9', 'profile-id=0'),
  H264('42001f', 1),
  H264('42001f', 0),
  H264('42e01f', 1),
  H264('42e01f', 0),
  H264('4d001f', 1),
  video('video/AV1'),
  video('video/red'),
]

describe('what the relay carries', () => {
  it('is H.264 constrained baseline in mode 1, then VP8', () => {
    const kept = carriedCodecs(CHROMIUM, 'video')
    expect(kept.map((codec) => codec.mimeType)).toEqual(['video/H264', 'video/VP8'])
    expect(kept[0]?.sdpFmtpLine).toContain('packetization-mode=1;profile-level-id=42e01f')
  })

  it('is VP8 alone in a fresh Firefox', () => {
    expect(carriedCodecs([video('video/VP8'), video('video/VP9')], 'video').map((one) => one.mimeType)).toEqual([
      'video/VP8',
    ])
  })

  it('is Opus for sound', () => {
    const codecs = ['audio/opus', 'audio/red', 'audio/G722', 'audio/PCMU'].map((mimeType) => ({
      mimeType,
      clockRate: 48_000,
    }))
    expect(carriedCodecs(codecs, 'audio').map((one) => one.mimeType)).toEqual(['audio/opus'])
  })

  it('is nothing where nothing fits', () => {
    expect(carriedCodecs([video('video/VP9'), H264('640028', 1)], 'video')).toEqual([])
  })
})
