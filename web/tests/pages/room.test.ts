import { describe, expect, it } from 'vitest'
import { newRoom, type RoomState } from '../../src/channel/room'
import { newChannelState, type ChannelState } from '../../src/channel/socket'
import { newPlayerState, type PlayerState } from '../../src/media/player'
import { slowFor, whyNoQuestion, whyQuiet } from '../../src/parts/talking'
import { troubleOf } from '../../src/pages/room/trouble'
import { moved, scaled, WHOLE } from '../../src/pages/room/zoom'
import { pieces } from '../../src/parts/links'
import { Refused } from '../../src/rest/problem'

const links = (text: string): (string | null)[] => pieces(text).map((piece) => piece.href)
const rules = (muted: boolean, slow = 0): RoomState['rules'] => ({ type: 'talk-rules', seq: 1, muted, slow })
const player = (change: Partial<PlayerState>): PlayerState => ({ ...newPlayerState(), since: 0, ...change })

describe('links in what somebody wrote', () => {
  it('are plain addresses of the web, and end where the sentence goes on', () => {
    expect(pieces('看 https://a.example/x?y=1。谢谢')).toEqual([
      { text: '看 ', href: null },
      { text: 'https://a.example/x?y=1', href: 'https://a.example/x?y=1' },
      { text: '。谢谢', href: null },
    ])
    expect(pieces('https://a.example/谢谢')[0]).toEqual({ text: 'https://a.example/', href: 'https://a.example/' })
    expect(pieces('(http://a.example).')[1]?.text).toBe('http://a.example')
  })

  it('are nothing else', () => {
    for (const text of ['javascript:alert(1)', 'data:text/html,x', 'ftp://a.example', 'https://', 'https://bank.example@evil.example/', 'https://аpple.example'])
      expect(links(text)).toEqual([null])
    expect(pieces('')).toEqual([])
  })
})

describe('zooming', () => {
  const place = { width: 400, height: 200 }

  it('keeps what lies under the finger, and the picture in its place', () => {
    const close = scaled(WHOLE, 2, { x: 100, y: 50 }, place)
    expect(close).toEqual({ scale: 2, x: -100, y: -50 })
    expect(moved(close, { x: -1000, y: 1000 }, place)).toEqual({ scale: 2, x: -200, y: 100 })
    expect(scaled(close, 0.1, { x: 0, y: 0 }, place)).toEqual(WHOLE)
    expect(scaled(WHOLE, 100, { x: 0, y: 0 }, place).scale).toBe(5)
    expect(moved(WHOLE, { x: 50, y: 50 }, place)).toEqual(WHOLE)
  })
})

const you = { id: 'm1', name: '王芳', branch: '甲', role: 'member', connection: 'c1' }

function room(change: Partial<RoomState> = {}): RoomState {
  return { ...newRoom(), known: true, you, ...change }
}

describe('why one cannot write', () => {
  it('says the nearest cause', () => {
    expect(whyQuiet(newRoom(), 'open')).toBe('chat.closed.joining')
    expect(whyQuiet(room({ muted: true }), 'waiting')).toBe('chat.closed.away')
    expect(whyQuiet(room({ muted: true, rules: rules(true) }), 'open')).toBe('chat.closed.muted')
    expect(whyQuiet(room({ rules: rules(true) }), 'open')).toBe('chat.closed.all')
    expect(whyQuiet(room(), 'open')).toBeNull()
    const speaker = (role: string): RoomState => room({ rules: rules(true), you: { ...you, role } })
    expect(whyQuiet(speaker('guest'), 'open')).toBe('chat.closed.all')
    expect(whyQuiet(speaker('host'), 'open')).toBeNull()
    expect(whyNoQuestion(room({ rules: rules(true) }), 'open')).toBeNull()
    expect(whyNoQuestion(room({ muted: true }), 'open')).toBe('ask.closed.muted')
  })

  it('counts slow mode down from one’s own last line', () => {
    const line = { type: 'chat', seq: 1, id: 'c1', name: '王芳', branch: '甲', role: 'member', text: '好', at: '2026-01-01T10:00:00Z', key: null, reply: null } as const
    const slow = room({ chat: [{ ...line }, { ...line, id: 'c2', name: '李', at: '2026-01-01T10:00:20Z' }], rules: rules(false, 30) })
    const wall = Date.parse('2026-01-01T10:00:10Z')
    expect(slowFor(slow, 0, wall)).toBe(20)
    expect(slowFor({ ...slow, skew: 5_000 }, 0, wall)).toBe(15)
    expect(slowFor(slow, 0, wall + 30_000)).toBe(0)
    expect(slowFor(slow, 2, wall)).toBe(80) // two lines wait to be said again
    expect(slowFor({ ...slow, rules: rules(false) }, 2, wall)).toBe(0)
  })
})

describe('what the panel under the pictures says', () => {
  const open: ChannelState = { ...newChannelState(), phase: 'open' }

  it('names a next step after five seconds of anything, and causes at once', () => {
    expect(troubleOf(false, open, player({}), 0, 4_999)).toBeNull()
    expect(troubleOf(false, open, player({}), 0, 5_000)?.what).toBe('joining')
    expect(troubleOf(true, { ...open, phase: 'waiting', since: 0 }, player({}), 0, 4_999)).toBeNull()
    expect(troubleOf(true, { ...open, phase: 'waiting', since: 0 }, player({}), 0, 5_000)?.what).toBe('channel')
    expect(troubleOf(true, open, player({ phase: 'reconnecting' }), 0, 5_000)?.what).toBe('media')
    expect(troubleOf(true, open, player({ trouble: 'no-udp' }), 0, 0)?.what).toBe('no-udp')
    expect(troubleOf(true, open, player({ refused: new Refused('lecture-full', 503, '') }), 0, 0)?.what).toBe('refused')
    expect(troubleOf(true, open, player({ playing: true }), 0, 99_000)).toBeNull()
  })
})
