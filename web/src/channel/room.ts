/**
 * The room as this page knows it: the channel's messages folded into one state, by a table. Nothing is inferred here:
 * what a slot shows is what the room said last.
 */

import { SLOTS, type Slot } from '../media/offer'
import type {
  AudienceSeen,
  Level,
  Chat,
  Counted,
  LectureView,
  SingleMessage,
  SlotView,
  Snapshot,
  You,
} from './messages'

/** By the session's name. */
export type Levels = Record<string, Partial<Record<Slot, Level>>>

export interface RoomState {
  /** False until the first snapshot. */
  known: boolean
  you: You | null
  lecture: LectureView | null
  /** Why the lecture is in its state, in the room's word. */
  cause: string
  slots: Record<Slot, SlotView>
  count: number
  chat: Chat[]
  counted: Counted | null
  /** Caller's monotonic clock (ms) when `counted` came. */
  countedAt: number
  /** Since when (as `countedAt`) no slot is live: nobody's time runs then; null while one is. */
  quietSince: number | null
  /** How often the relay has started anew under this page. */
  relays: number
  audience: AudienceSeen | null
  /** What a WHEP session of this member is sent of a slot, where it was not the whole picture once. */
  levels: Levels
  whip: string | null
  whep: string | null
  /** Server's clock less this page's, in ms. */
  skew: number
  /** The last error, with a number that grows, so that the same one shows again. */
  problem: { text: string; reason: string; fatal: boolean; number: number } | null
}

/** Lines of chat kept on the page. */
export const CHAT_KEPT = 500

const emptySlot = (slot: Slot): SlotView => ({
  slot,
  state: 'empty',
  name: null,
  branch: null,
  member: null,
  video: null,
})

export function newRoom(): RoomState {
  return {
    known: false,
    you: null,
    lecture: null,
    cause: '',
    slots: Object.fromEntries(SLOTS.map((slot) => [slot, emptySlot(slot)])) as RoomState['slots'],
    count: 0,
    chat: [],
    counted: null,
    countedAt: 0,
    quietSince: null,
    relays: 0,
    audience: null,
    levels: {},
    whip: null,
    whep: null,
    skew: 0,
    problem: null,
  }
}

export interface Clock {
  /** Wall time, ms since the epoch. */
  wall: number
  /** Monotonic, ms. */
  steady: number
}

type Table = { [T in SingleMessage['type']]: (room: RoomState, message: Extract<SingleMessage, { type: T }>, clock: Clock) => void }

function isSlot(name: string): name is Slot {
  return (SLOTS as readonly string[]).includes(name)
}

function takeSnapshot(room: RoomState, message: Snapshot, clock: Clock): void {
  room.known = true
  room.you = message.you
  room.lecture = message.lecture
  room.cause = ''
  for (const slot of SLOTS) room.slots[slot] = emptySlot(slot)
  for (const view of message.slots) if (isSlot(view.slot)) room.slots[view.slot] = view
  noticeQuiet(room, clock)
  room.count = message.count
  room.chat = merge(room.chat, message.chat)
  room.whip = message.whip
  room.whep = message.whep
  room.skew = Date.parse(message.now) - clock.wall
}

function noticeQuiet(room: RoomState, clock: Clock): void {
  room.quietSince = SLOTS.some((slot) => room.slots[slot].state === 'live') ? null : (room.quietSince ?? clock.steady)
}

/** A snapshot holds the last fifty lines; what the page already shows stays above them. */
function merge(shown: readonly Chat[], fresh: readonly Chat[]): Chat[] {
  const known = new Set(fresh.map((line) => line.id))
  return [...shown.filter((line) => !known.has(line.id)), ...fresh].sort((a, b) => a.seq - b.seq).slice(-CHAT_KEPT)
}

const TABLE: Table = {
  snapshot: takeSnapshot,
  resumed: (room, message) => {
    room.count = message.count
    if (room.you) room.you = { ...room.you, connection: message.connection }
  },
  chat: (room, message) => {
    if (room.chat.some((line) => line.id === message.id)) return
    room.chat.push(message)
    if (room.chat.length > CHAT_KEPT) room.chat.splice(0, room.chat.length - CHAT_KEPT)
  },
  presence: (room, message) => {
    room.count = message.count
  },
  lecture: (room, message) => {
    if (!room.lecture) return
    room.lecture = { ...room.lecture, state: message.state, since: message.since }
    room.cause = message.cause
  },
  slot: (room, message, clock) => {
    if (!isSlot(message.slot)) return
    const { slot, state, name, branch, member, video } = message
    room.slots[slot] = { slot, state, name, branch, member, video }
    noticeQuiet(room, clock)
  },
  'relay-restarted': (room) => {
    room.relays += 1
  },
  counted: (room, message, clock) => {
    room.counted = message
    room.countedAt = clock.steady
  },
  picture: (room, message) => {
    if (!isSlot(message.slot)) return
    const { session, slot, level } = message
    room.levels = { ...room.levels, [session]: { ...room.levels[session], [slot]: level } }
  },
  audience: (room, message) => {
    room.audience = message
  },
  error: (room, message) => {
    room.problem = { text: message.text, reason: message.reason, fatal: message.fatal, number: (room.problem?.number ?? 0) + 1 }
  },
}

/** The least that this session is sent of a slot that is live. */
export function levelOf(room: RoomState, session: string | null): Level {
  const levels = session === null ? undefined : room.levels[session]
  const live = new Set(SLOTS.filter((slot) => room.slots[slot].state === 'live').map((slot) => levels?.[slot] ?? 'full'))
  return live.has('audio-only') ? 'audio-only' : live.has('reduced') ? 'reduced' : 'full'
}

/** Unknown types (a newer service) are left alone. */
export function receive(room: RoomState, message: SingleMessage, clock: Clock): void {
  const take = TABLE[message.type] as ((room: RoomState, message: SingleMessage, clock: Clock) => void) | undefined
  take?.(room, message, clock)
}

/** Milliseconds credited by now: while counting, the clock runs on between the service's messages. */
export function countedNow(room: RoomState, steady: number): number {
  if (!room.counted) return 0
  const until = Math.min(steady, room.quietSince ?? steady)
  return room.counted.counted_ms + (room.counted.receiving ? Math.max(0, until - room.countedAt) : 0)
}
