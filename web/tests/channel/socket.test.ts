import { beforeEach, describe, expect, it } from 'vitest'
import type { ServerMessage, SingleMessage } from '../../src/channel/messages'
import { Channel, newChannelState, waitFor, type ChannelTools } from '../../src/channel/socket'

class FakeSocket extends EventTarget {
  readyState = 0
  sent: Record<string, unknown>[] = []

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>)
  }

  close(): void {
    this.readyState = 3
  }

  accept(): void {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }

  say(message: ServerMessage): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }))
  }

  drop(code: number): void {
    this.readyState = 3
    this.dispatchEvent(Object.assign(new Event('close'), { code }))
  }
}

const snapshot = (seq: number): SingleMessage => ({
  type: 'snapshot',
  seq,
  version: 1,
  you: { id: 'm', name: '张伟', branch: '镇巴县', role: 'member', connection: 'c' },
  lecture: { id: 'l', title: '课', state: 'live', starts: null, ends: null, since: null },
  slots: [],
  count: 1,
  deleted: [],
  chat: [],
  pinned: { type: 'pinned', seq: 0, text: null, by: null },
  rules: { type: 'talk-rules', seq: 0, muted: false, slow: 0 },
  questions: [],
  polls: [],
  stage: { type: 'stage', seq: 0, layout: 'lecturer', on: null, next: null },
  whip: '/whip/l',
  whep: '/whep/l',
  now: '2026-11-23T12:00:00+00:00',
})
const presence = (seq: number): SingleMessage => ({ type: 'presence', seq, count: seq })

describe('the channel', () => {
  let sockets: FakeSocket[]
  let timers: { ms: number; act: () => void }[]
  let heard: SingleMessage[]
  let opened: number
  let channel: Channel
  const last = (): FakeSocket => sockets.at(-1) ?? new FakeSocket()

  beforeEach(() => {
    sockets = []
    timers = []
    heard = []
    opened = 0
    const tools: ChannelTools = {
      socket: () => {
        sockets.push(new FakeSocket())
        return last() as unknown as WebSocket
      },
      random: () => 0.5,
      after: (ms, act) => {
        const timer = { ms, act }
        timers.push(timer)
        return () => {
          timers = timers.filter((one) => one !== timer)
        }
      },
    }
    channel = new Channel(
      'ws://x/ws',
      {
        hello: () => ({ ticket: 'T', version: 1, page: 'room' }),
        receive: (message) => heard.push(message),
        opened: () => {
          opened += 1
        },
        members: () => 1,
      },
      newChannelState(),
      tools,
    )
    channel.open()
    last().accept()
  })

  const passTime = (): void => timers.shift()?.act()

  it('says hello first, and is open once the room has answered', () => {
    expect(last().sent).toEqual([{ type: 'hello', ticket: 'T', version: 1, page: 'room' }])
    expect(channel.state.phase).toBe('connecting')
    last().say(snapshot(7))
    expect(channel.state.phase).toBe('open')
    expect(opened).toBe(1)
  })

  it('returns with the last number it saw', () => {
    last().say({ type: 'batch', messages: [snapshot(7), presence(8), presence(9)] as never })
    last().drop(1006)
    expect(channel.state.phase).toBe('waiting')
    passTime()
    last().accept()
    expect(last().sent[0]).toMatchObject({ type: 'hello', last: 9 })
    last().say({ type: 'resumed', seq: 10, connection: 'd', count: 2 })
    last().say(presence(10))
    expect(heard.at(-1)).toEqual(presence(10))
    expect(opened).toBe(2)
  })

  it('leaves out what it has already, and mends a gap by returning', () => {
    last().say(snapshot(7))
    last().say(presence(7))
    expect(heard).toHaveLength(1)
    last().say(presence(9))
    expect(heard).toHaveLength(1)
    expect(channel.state.phase).toBe('waiting')
    passTime()
    last().accept()
    expect(last().sent[0]).toMatchObject({ last: 7 })
  })

  it.each([4400, 4401, 4404, 4409, 4410])('stays away after %i', (code) => {
    last().say(snapshot(1))
    last().drop(code)
    expect(channel.state).toMatchObject({ phase: 'closed', refused: code })
    expect(timers).toHaveLength(0)
  })

  it.each([1006, 1012, 4408, 4413, 4429])('returns after %i', (code) => {
    last().say(snapshot(1))
    last().drop(code)
    expect(channel.state.phase).toBe('waiting')
    expect(timers).toHaveLength(1)
  })

  it('does not wait for ever for an answer', () => {
    passTime()
    expect(channel.state.phase).toBe('waiting')
  })

  it('does not send while it is away', () => {
    expect(channel.send({ type: 'chat', text: '好' })).toBe(false)
    last().say(snapshot(1))
    expect(channel.send({ type: 'chat', text: '好' })).toBe(true)
    last().drop(1006)
    expect(channel.send({ type: 'chat', text: '好' })).toBe(false)
  })

  it('comes back at once when the network does', () => {
    last().say(snapshot(1))
    channel.renew()
    expect(channel.state.phase).toBe('waiting')
    channel.renew()
    expect(sockets).toHaveLength(2)
  })

  it('ignores what is no message', () => {
    last().dispatchEvent(new MessageEvent('message', { data: '{' }))
    expect(heard).toHaveLength(0)
  })
})

describe('the wait before returning', () => {
  it('grows, is capped, and is spread wider in a full room', () => {
    expect(waitFor(1006, 0, 1, 0.5)).toBeLessThan(500)
    expect(waitFor(1006, 10, 1, 1)).toBeLessThanOrEqual(15_010)
    expect(waitFor(1012, 0, 1_120, 0.9)).toBeGreaterThan(4_000)
    expect(waitFor(4429, 0, 1, 0)).toBeGreaterThanOrEqual(10_000)
  })
})
