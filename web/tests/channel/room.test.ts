import { describe, expect, it } from 'vitest'
import type { Chat, Level, Part, SingleMessage, SlotView, Snapshot } from '../../src/channel/messages'
import { CHAT_KEPT, countedNow, levelOf, newRoom, receive } from '../../src/channel/room'

const CLOCK = { wall: Date.parse('2026-11-23T12:00:00Z'), steady: 5_000 }
const line = (seq: number): Chat => ({
  type: 'chat',
  seq,
  id: `c${seq}`,
  name: '李芳',
  branch: '西乡县',
  role: 'member',
  text: '好',
  at: '2026-11-23T12:00:00Z',
  key: null,
  reply: null,
})
const snapshot: Snapshot = {
  type: 'snapshot',
  seq: 3,
  version: 1,
  you: { id: 'm', name: '张伟', branch: '镇巴县', role: 'member', connection: 'c' },
  lecture: { id: 'l', title: '课', state: 'live', starts: null, ends: null, since: null },
  slots: [{ slot: 'lecturer', state: 'live', name: '王老师', branch: '', member: 'w', video: 'h264' }],
  count: 12,
  deleted: [],
  chat: [line(2), line(3)],
  pinned: { type: 'pinned', seq: 0, text: null, by: null },
  rules: { type: 'talk-rules', seq: 0, muted: false, slow: 0 },
  questions: [],
  polls: [],
  stage: { type: 'stage', seq: 0, layout: 'lecturer', on: null, next: null },
  whip: '/whip/l',
  whep: '/whep/l',
  now: '2026-11-23T12:00:02Z',
}

describe('the room', () => {
  it('takes a snapshot, with the difference of the clocks', () => {
    const room = newRoom()
    receive(room, snapshot, CLOCK)
    expect(room.known).toBe(true)
    expect(room.slots.lecturer.state).toBe('live')
    expect(room.slots.guest.state).toBe('empty')
    expect(room.skew).toBe(2_000)
  })

  it('shows what only the stage is sent to those on it, and to members that somebody is there', () => {
    const rehearsed: SlotView[] = (['lecturer', 'guest'] as const).map((slot) => ({ slot, state: 'stage', name: '王老师', branch: '', member: 'w', video: 'h264' }))
    const states = (role: string): string[] => {
      const room = newRoom()
      receive(room, { ...snapshot, you: { ...snapshot.you, role }, lecture: { ...snapshot.lecture, state: 'lobby' }, slots: rehearsed }, CLOCK)
      return rehearsed.map(({ slot }) => room.slots[slot as 'guest'].state)
    }
    expect(states('host')).toEqual(['live', 'live'])
    expect(states('guest')).toEqual(['live', 'live'])
    expect(states('member')).toEqual(['expected', 'empty'])
    expect(states('operator')).toEqual(['stage', 'stage'])
  })

  it('keeps from members what the host says aside, but not from those who are coming to the stage', () => {
    const room = newRoom()
    const host: SlotView = { slot: 'host', state: 'stage', name: '赵主任', branch: '', member: 'h', video: 'h264' }
    const part = (now: Part): void =>
      receive(room, { type: 'part', part: now, slot: 'guest', by: null, title: '', minutes: null, until: null, deadline: null, reason: null }, CLOCK)
    receive(room, { ...snapshot, slots: [host] }, CLOCK)
    expect(room.slots.host.state).toBe('empty')
    part('called')
    expect(room.slots.host.state).toBe('empty')
    part('checking')
    expect(room.slots.host.state).toBe('live')
    expect(room.aside).toEqual(['host'])
    part('off')
    expect(room.slots.host.state).toBe('empty')
  })

  it('keeps what was said before a later snapshot, once', () => {
    const room = newRoom()
    for (const message of [line(1), line(2), snapshot, line(3)]) receive(room, message, CLOCK)
    expect(room.chat.map((one) => one.seq)).toEqual([1, 2, 3])
  })

  it('keeps lines in the order of their ids: after a restart of the service they have no numbers', () => {
    const room = newRoom()
    for (const seq of [1, 2, 3]) receive(room, line(seq), CLOCK)
    receive(room, { ...snapshot, chat: [{ ...line(3), seq: 0 }, { ...line(4), seq: 0 }] }, CLOCK)
    receive(room, { ...line(5), seq: 1_000_001 }, CLOCK)
    expect(room.chat.map((one) => one.id)).toEqual(['c1', 'c2', 'c3', 'c4', 'c5'])
  })

  it('forgets what was deleted, and what others quoted of it, also while it was away', () => {
    const room = newRoom()
    const answer = { ...line(3), reply: { id: 'c1', name: '李芳', text: '坏话' } }
    for (const message of [line(1), line(2), answer]) receive(room, message, CLOCK)
    receive(room, { type: 'chat-deleted', seq: 4, id: 'c1' }, CLOCK)
    expect(room.chat.map((one) => [one.id, one.reply?.text])).toEqual([['c2', undefined], ['c3', '']])
    receive(room, { ...snapshot, chat: [], deleted: ['c2'] }, CLOCK)
    expect(room.chat.map((one) => one.id)).toEqual(['c3'])
  })

  it.each([snapshot, { type: 'resumed', seq: 9, connection: 'd', count: 1 } as const])(
    'waits to be told anew what stands of this person after a %s',
    (again) => {
      const room = newRoom()
      const told: SingleMessage[] = [
        snapshot,
        { type: 'muted', muted: true },
        { type: 'voted', poll: 'p1', choices: [1] },
        {
          type: 'asked',
          questions: [{ id: 'q1', name: '张伟', branch: '', text: '为什么', at: '2026-11-23T12:00:00Z', state: 'asked' }],
        },
      ]
      for (const message of told) receive(room, message, CLOCK)
      expect([room.muted, room.votes, room.asked.length]).toEqual([true, { p1: [1] }, 1])
      receive(room, again, CLOCK)
      expect([room.muted, room.votes, room.asked.length]).toEqual([false, {}, 0])
    },
  )

  it('keeps a bounded number of lines', () => {
    const room = newRoom()
    for (let seq = 1; seq <= CHAT_KEPT + 20; seq += 1) receive(room, line(seq), CLOCK)
    expect(room.chat).toHaveLength(CHAT_KEPT)
    expect(room.chat[0]?.seq).toBe(21)
  })

  it('counts the relays that it has seen start anew', () => {
    const room = newRoom()
    receive(room, snapshot, CLOCK)
    expect(room.relays).toBe(0)
    receive(room, { type: 'relay-restarted', seq: 4 }, CLOCK)
    expect(room.relays).toBe(1)
  })

  it('goes where another node took the room over', () => {
    const room = newRoom()
    receive(room, snapshot, CLOCK)
    receive(room, { type: 'home', seq: 4, whip: 'https://b.example/whip/l', whep: 'https://b.example/whep/l' }, CLOCK)
    expect([room.relays, room.whip, room.whep]).toEqual([1, 'https://b.example/whip/l', 'https://b.example/whep/l'])
  })

  it('goes where a later snapshot says that the room is', () => {
    const room = newRoom()
    receive(room, snapshot, CLOCK)
    receive(room, snapshot, CLOCK)
    expect(room.relays).toBe(0)
    receive(room, { ...snapshot, whep: 'https://b.example/whep/l' }, CLOCK)
    expect([room.relays, room.whep]).toEqual([1, 'https://b.example/whep/l'])
  })

  it('knows that its node is cut off until it is back, or until another node answers', () => {
    const room = newRoom()
    receive(room, snapshot, CLOCK)
    receive(room, { type: 'notice', kind: 'bus-away' }, CLOCK)
    expect(room.cutOff).toBe(true)
    receive(room, { type: 'notice', kind: 'bus-back' }, CLOCK)
    expect(room.cutOff).toBe(false)
    receive(room, { type: 'notice', kind: 'bus-away' }, CLOCK)
    receive(room, { type: 'resumed', seq: 4, connection: 'c', count: 2 }, CLOCK)
    expect(room.cutOff).toBe(false)
  })

  it('lets no time run while nothing is sent', () => {
    const room = newRoom()
    receive(room, snapshot, CLOCK)
    receive(room, { type: 'counted', receiving: true, counted_ms: 60_000, since: null, reason: null }, CLOCK)
    const gone = { type: 'slot', seq: 4, slot: 'lecturer', state: 'empty', name: null, branch: null, member: null, video: null } as const
    expect(countedNow(room, CLOCK.steady + 2_000)).toBe(62_000)
    receive(room, gone, { ...CLOCK, steady: CLOCK.steady + 2_000 })
    expect(countedNow(room, CLOCK.steady + 5_000)).toBe(62_000)
  })

  it('shows a slot as the room says', () => {
    const room = newRoom()
    receive(room, snapshot, CLOCK)
    receive(
      room,
      { type: 'slot', seq: 4, slot: 'lecturer', state: 'lost', name: '王老师', branch: '', member: 'w', video: null },
      CLOCK,
    )
    expect(room.slots.lecturer.state).toBe('lost')
    receive(
      room,
      { type: 'slot', seq: 5, slot: 'balcony', state: 'live', name: null, branch: null, member: null, video: null },
      CLOCK,
    )
    expect(Object.keys(room.slots)).toHaveLength(4)
  })

  it('lets the counted time run on while it is counting, and stand while not', () => {
    const room = newRoom()
    expect(countedNow(room, 0)).toBe(0)
    receive(room, { type: 'counted', receiving: true, counted_ms: 60_000, since: null, reason: null }, CLOCK)
    expect(countedNow(room, CLOCK.steady + 7_000)).toBe(67_000)
    expect(countedNow(room, CLOCK.steady + 9_000, CLOCK.steady + 7_500)).toBe(67_500)
    receive(room, { type: 'counted', receiving: false, counted_ms: 67_000, since: null, reason: 'no-media' }, CLOCK)
    expect(countedNow(room, CLOCK.steady + 90_000)).toBe(67_000)
  })

  it('knows the least that a session is sent of what is live', () => {
    const room = newRoom()
    receive(room, snapshot, CLOCK)
    const told = (session: string, slot: string, level: Level): void => receive(room, { type: 'picture', session, slot, level }, CLOCK)
    expect(levelOf(room, 'mine')).toBe('full')
    told('mine', 'lecturer', 'reduced')
    told('mine', 'screen', 'audio-only') // not live
    told('another', 'lecturer', 'audio-only')
    told('mine', 'nowhere', 'audio-only')
    expect(levelOf(room, 'mine')).toBe('reduced')
    expect(levelOf(room, null)).toBe('full')
    receive(room, { ...snapshot, slots: [...snapshot.slots, { ...snapshot.slots[0]!, slot: 'screen' }] }, CLOCK)
    expect(levelOf(room, 'mine')).toBe('audio-only')
    told('mine', 'screen', 'full')
    told('mine', 'lecturer', 'full')
    expect(levelOf(room, 'mine')).toBe('full')
  })

  it('leaves types of a newer service alone', () => {
    const room = newRoom()
    receive(room, { type: 'hologram', seq: 9 } as unknown as SingleMessage, CLOCK)
    expect(room).toEqual(newRoom())
  })

  it('numbers problems, so that the same one is shown again', () => {
    const room = newRoom()
    const problem: SingleMessage = { type: 'error', reason: 'chat-too-fast', text: '太快', fatal: false, key: null }
    receive(room, problem, CLOCK)
    receive(room, problem, CLOCK)
    expect(room.problem?.number).toBe(2)
  })
})
