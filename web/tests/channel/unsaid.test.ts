import { beforeEach, describe, expect, it } from 'vitest'
import type { ClientMessage, SingleMessage } from '../../src/channel/messages'
import { again, hear, KEPT, newUnsaid, note, type Unsaid } from '../../src/channel/unsaid'

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

  it('is said again when the channel opens anew: lines, the question, and votes once', () => {
    note(unsaid, say('a'))
    note(unsaid, ask('q'))
    note(unsaid, { type: 'vote', poll: 'p1', choices: [2] })
    expect(again(unsaid)).toEqual([say('a'), ask('q'), { type: 'vote', poll: 'p1', choices: [2] }])
    expect(again(unsaid)).toEqual([say('a'), ask('q')])
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
