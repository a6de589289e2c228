import { beforeEach, describe, expect, it } from 'vitest'
import type { ClientMessage, SingleMessage } from '../../src/channel/messages'
import { again, APART, hear, KEPT, newUnsaid, next, note, postpone, type Unsaid } from '../../src/channel/unsaid'

const say = (key: string, text = key): ClientMessage => ({ type: 'chat', text, key, reply: null })
const ask = (key: string): ClientMessage => ({ type: 'ask', text: `问 ${key}`, key })
const said = (key: string): SingleMessage =>
  ({ type: 'chat', seq: 1, id: 'c1', name: '张伟', branch: '', role: 'member', text: key, at: '', key, reply: null }) as SingleMessage
const refused = (key: string | null): SingleMessage => ({ type: 'error', reason: 'chat-too-fast', text: '', fatal: false, key })

describe('what is said and not heard yet', () => {
  let unsaid: Unsaid

  beforeEach(() => {
    unsaid = newUnsaid()
  })

  it('is settled by its echo', () => {
    for (const key of ['a', 'b']) note(unsaid, say(key))
    hear(unsaid, said('a'))
    expect(unsaid.lines.map((line) => line.key)).toEqual(['b'])
  })

  it('goes back where it was refused, and no other line does', () => {
    for (const key of ['a', 'b']) note(unsaid, say(key, `话 ${key}`))
    hear(unsaid, refused('b'))
    expect(unsaid.lines.map((line) => line.key)).toEqual(['a'])
    expect(unsaid.returned).toEqual({ from: 'chat', text: '话 b', number: 1 })
  })

  it('is left alone by the refusal of something else', () => {
    note(unsaid, say('a'))
    hear(unsaid, refused(null))
    hear(unsaid, refused('of another tab'))
    expect(unsaid.lines).toHaveLength(1)
    expect(unsaid.returned).toBeNull()
  })

  it('gives a question back too', () => {
    note(unsaid, ask('q'))
    hear(unsaid, refused('q'))
    expect(unsaid.returned).toEqual({ from: 'ask', text: '问 q', number: 1 })
    expect(again(unsaid)).toEqual([])
  })

  it('is said again when the channel opens anew: the question, votes once, and lines', () => {
    expect(note(unsaid, say('a'))).toBe(true)
    note(unsaid, ask('q'))
    note(unsaid, { type: 'vote', poll: 'p1', choices: [2] })
    expect(again(unsaid)).toEqual([ask('q'), { type: 'vote', poll: 'p1', choices: [2] }])
    expect(next(unsaid, 0, 0)).toEqual(say('a'))
    expect(again(unsaid)).toEqual([ask('q')])
    expect(next(unsaid, 0, APART)).toEqual(say('a'))
  })

  it('says lines again one after the other, as slow mode and the rate allow', () => {
    for (const key of ['a', 'b']) note(unsaid, say(key))
    again(unsaid)
    expect(next(unsaid, 0, 0)).toEqual(say('a'))
    expect(next(unsaid, 0, APART)).toBeNull() // there is no word of the first yet
    hear(unsaid, said('a'))
    expect(next(unsaid, 30_000, APART)).toBeNull()
    expect(next(unsaid, 0, APART - 1)).toBeNull()
    expect(next(unsaid, 0, APART)).toEqual(say('b'))
    hear(unsaid, said('b'))
    expect(next(unsaid, 0, 2 * APART)).toBeNull()
    expect(note(unsaid, say('c'))).toBe(true)
  })

  it('lets what is written meanwhile follow, and one without an answer not hold up the others', () => {
    note(unsaid, say('a'))
    again(unsaid)
    expect(note(unsaid, say('b'))).toBe(false)
    expect(next(unsaid, 0, 0)).toEqual(say('a'))
    expect(next(unsaid, 0, 9_999)).toBeNull()
    expect(next(unsaid, 0, 10_000)).toEqual(say('b'))
  })

  it('waits with a line that was said again too early, and gives back what is refused for good', () => {
    note(unsaid, say('a'))
    expect(postpone(unsaid, refused('a'))).toBe(false) // it was said once, and its writer is told
    again(unsaid)
    next(unsaid, 0, 0)
    expect(postpone(unsaid, refused('a'))).toBe(true)
    expect(next(unsaid, 0, APART)).toEqual(say('a'))
    const muted = { ...refused('a'), reason: 'muted' } as SingleMessage
    expect(postpone(unsaid, muted)).toBe(false)
    hear(unsaid, muted)
    expect(unsaid.returned?.text).toBe('a')
    expect(next(unsaid, 0, 2 * APART)).toBeNull()
  })

  it('forgets a vote and a question that the room confirmed', () => {
    note(unsaid, ask('q'))
    note(unsaid, { type: 'vote', poll: 'p1', choices: [2] })
    hear(unsaid, { type: 'asked', questions: [] } as SingleMessage) // as on every arrival
    expect(unsaid.asked).not.toBeNull()
    hear(unsaid, { type: 'asked', questions: [{ text: '问 q' }] } as SingleMessage)
    hear(unsaid, { type: 'voted', poll: 'p1', choices: [2] } as SingleMessage)
    expect(again(unsaid)).toEqual([])
  })

  it('keeps the newest lines alone', () => {
    for (let number = 0; number < KEPT + 5; number += 1) note(unsaid, say(`k${number}`))
    expect(unsaid.lines).toHaveLength(KEPT)
    expect(unsaid.lines[0]?.key).toBe('k5')
  })
})
