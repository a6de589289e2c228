import { describe, expect, it } from 'vitest'
import type { Chat, Level, SingleMessage, Snapshot } from '../../src/channel/messages'
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
})
const snapshot: Snapshot = {
  type: 'snapshot',
  seq: 3,
  version: 1,
  you: { id: 'm', name: '张伟', branch: '镇巴县', role: 'member', connection: 'c' },
  lecture: { id: 'l', title: '课', state: 'live', starts: null, ends: null, since: null },
  slots: [{ slot: 'lecturer', state: 'live', name: '王老师', branch: '', member: 'w', video: 'h264' }],
  count: 12,
  chat: [line(2), line(3)],
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

  it('keeps what was said before a later snapshot, once', () => {
    const room = newRoom()
    for (const message of [line(1), line(2), snapshot, line(3)]) receive(room, message, CLOCK)
    expect(room.chat.map((one) => one.seq)).toEqual([1, 2, 3])
  })

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
    receive(room, { type: 'poll', seq: 9 } as unknown as SingleMessage, CLOCK)
    expect(room).toEqual(newRoom())
  })

  it('numbers problems, so that the same one is shown again', () => {
    const room = newRoom()
    const problem: SingleMessage = { type: 'error', reason: 'chat-too-fast', text: '太快', fatal: false }
    receive(room, problem, CLOCK)
    receive(room, problem, CLOCK)
    expect(room.problem?.number).toBe(2)
  })
})
