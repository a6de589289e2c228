import { afterEach, describe, expect, it } from 'vitest'
import { en } from '../../src/words/en'
import { clock, inField, minutes, ofField, span, ticking, zone } from '../../src/words/times'
import { fill, firstLanguage, language, t, tIf, type Word } from '../../src/words/words'
import { zh } from '../../src/words/zh'

const places = (sentence: string): string[] => [...sentence.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort()

describe('the words', () => {
  it('say the same in both languages', () => {
    for (const word of Object.keys(zh) as Word[]) {
      expect(places(en[word]), word).toEqual(places(zh[word]))
      expect(en[word] === '', word).toBe(zh[word] === '')
    }
  })

  it('are Chinese unless asked otherwise', () => {
    expect(firstLanguage('', null)).toBe('zh')
    expect(firstLanguage('', 'en')).toBe('en')
    expect(firstLanguage('?lang=en', 'zh')).toBe('en')
    expect(firstLanguage('?lang=fr', 'xx')).toBe('zh')
  })

  it('are filled without touching what is unknown', () => {
    expect(fill('{n} 人，{m}', { n: 3 })).toBe('3 人，{m}')
    expect(tIf('refused.bad-ticket.title')).toBe(zh['refused.bad-ticket.title'])
    expect(tIf('toString')).toBeNull()
  })
})

describe('times', () => {
  afterEach(() => {
    language.value = 'zh'
  })

  it('are counted downwards to whole minutes', () => {
    expect(minutes(59_999)).toBe(t('time.seconds', { n: 59 }))
    expect(minutes(42 * 60_000 + 59_000)).toBe('42 分钟')
    expect(minutes(3_660_000)).toBe('1 小时 1 分钟')
    language.value = 'en'
    expect(minutes(42 * 60_000)).toBe('42 min')
  })

  it('tick', () => {
    expect(ticking(61_000)).toBe('01:01')
    expect(ticking(3_723_000)).toBe('01:02:03')
    expect(ticking(-5)).toBe('00:00')
  })

  it('are of China wherever the device is, which is said where it differs', () => {
    const here = process.env.TZ
    const starts = '2026-07-14T11:30:00Z'
    try {
      process.env.TZ = 'Asia/Shanghai'
      expect([zone(), span(starts, null)]).toEqual(['', '7月14日星期二 19:30'])
      process.env.TZ = 'Europe/Berlin'
      expect([zone(), clock(starts)]).toEqual(['北京时间', '19:30'])
      expect(span(starts, '2026-07-14T13:00:00Z')).toBe('7月14日星期二 19:30–21:00 北京时间')
      expect(inField(Date.parse(starts))).toBe('2026-07-14T19:30')
      expect(ofField('2026-07-14T19:30')).toBe(Date.parse(starts))
    } finally {
      process.env.TZ = here
    }
  })

  it('leave out what is not known', () => {
    expect(span(null, null)).toBe('')
    expect(span('2026-11-23T12:00:00Z', null)).not.toContain('–')
  })
})
