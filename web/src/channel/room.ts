/**
 * The room as this page knows it: the channel's messages folded into one state, by a table. Nothing is inferred here:
 * what a slot shows is what the room said last.
 */

import { SLOTS, type Slot } from '../media/offer'
import type {
  AudienceSeen,
  Chat,
  Counted,
  HandState,
  Hands,
  LectureView,
  Level,
  Order,
  Part,
  PartChanged,
  Pinned,
  Poll,
  Question,
  RunningOrder,
  SignIn,
  SignInProgress,
  SingleMessage,
  SlotView,
  Snapshot,
  StageChanged,
  TalkRules,
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
  /** As the room said them, whoever this person is. */
  told: Record<Slot, SlotView>
  /** Those that only the stage is sent while the lecture is on: the host speaks aside. */
  aside: Slot[]
  count: number
  chat: Chat[]
  pinned: Pinned | null
  rules: TalkRules | null
  /** Whether this person may not write now. */
  muted: boolean
  /** Published and answered. */
  questions: Question[]
  /** Those that wait: all of them for whoever keeps order, else one's own. */
  asked: Question[]
  polls: Poll[]
  /** This person's own votes, by poll. */
  votes: Record<string, number[]>
  stage: StageChanged | null
  hand: HandState | null
  part: PartChanged | null
  signIn: SignIn | null
  /** For whoever runs the stage or keeps order. */
  hands: Hands | null
  order: RunningOrder | null
  kept: Order | null
  signIns: SignInProgress | null
  counted: Counted | null
  /** Caller's monotonic clock (ms) when `counted` came. */
  countedAt: number
  /** Since when (as `countedAt`) no slot is live: nobody's time runs then; null while one is. */
  quietSince: number | null
  /** How often the sessions of this page's media were all gone: the relay started anew, or another node's took over. */
  relays: number
  /** The node of this page has lost the way to the rest of the room: what is said here waits. */
  cutOff: boolean
  audience: AudienceSeen | null
  /** What a WHEP session of this member is sent of a slot, where it was not the whole picture once. */
  levels: Levels
  whip: string | null
  whep: string | null
  /** Server's clock less this page's, in ms. */
  skew: number
  /** The last error, with a number that grows, so that the same one shows again. */
  problem: { text: string; reason: string; fatal: boolean; key: string | null; number: number } | null
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

const emptySlots = (): RoomState['slots'] => Object.fromEntries(SLOTS.map((slot) => [slot, emptySlot(slot)])) as RoomState['slots']

export function newRoom(): RoomState {
  return {
    known: false,
    you: null,
    lecture: null,
    cause: '',
    slots: emptySlots(),
    told: emptySlots(),
    aside: [],
    count: 0,
    chat: [],
    pinned: null,
    rules: null,
    muted: false,
    questions: [],
    asked: [],
    polls: [],
    votes: {},
    stage: null,
    hand: null,
    part: null,
    signIn: null,
    hands: null,
    order: null,
    kept: null,
    signIns: null,
    counted: null,
    countedAt: 0,
    quietSince: null,
    relays: 0,
    cutOff: false,
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

const STAGE: ReadonlySet<string> = new Set(['lecturer', 'host', 'guest'])

const SEATED: ReadonlySet<Part> = new Set(['off', 'called'])

/** Whether this person is sent what only the stage is sent. */
export function isBehind(room: Pick<RoomState, 'you' | 'part'>): boolean {
  return room.you !== null && (STAGE.has(room.you.role) || !SEATED.has(room.part?.part ?? 'off'))
}

/**
 * What only the stage is sent is live to those on it. Before the start members know of it that somebody is there; later
 * it is the host who speaks aside, and nothing to them.
 */
function asSeen(room: RoomState, slot: Slot, view: SlotView): SlotView {
  room.aside = room.aside.filter((one) => one !== slot)
  if (view.state !== 'stage' || room.you === null) return view
  const begun = room.lecture?.state === 'live' || room.lecture?.state === 'interrupted'
  if (begun) room.aside = [...room.aside, slot]
  if (isBehind(room)) return { ...view, state: 'live' }
  if (room.you.role !== 'member') return view
  return begun || slot === 'guest' ? emptySlot(slot) : { ...view, state: 'expected', video: null }
}

function seeAll(room: RoomState): void {
  for (const slot of SLOTS) room.slots[slot] = asSeen(room, slot, room.told[slot])
}

function takeSnapshot(room: RoomState, message: Snapshot, clock: Clock): void {
  room.known = true
  room.cutOff = false
  room.you = message.you
  room.lecture = message.lecture
  room.cause = ''
  room.told = emptySlots()
  for (const view of message.slots) if (isSlot(view.slot)) room.told[view.slot] = view
  seeAll(room)
  noticeQuiet(room, clock)
  room.count = message.count
  room.chat = merge(forget(room.chat, new Set(message.deleted)), message.chat)
  room.pinned = message.pinned
  room.rules = message.rules
  room.questions = message.questions
  room.polls = message.polls
  room.stage = message.stage
  if (room.whep !== null && room.whep !== message.whep) room.relays += 1
  room.whip = message.whip
  room.whep = message.whep
  room.skew = Date.parse(message.now) - clock.wall
  awaitOwn(room)
}

/** What stands of this person is told again after this, and only what stands. */
function awaitOwn(room: RoomState): void {
  room.muted = false
  room.asked = []
  room.votes = {}
}

/** Without these lines, and without what others quoted of them. */
function forget(lines: readonly Chat[], deleted: ReadonlySet<string>): Chat[] {
  const left = lines.filter((line) => !deleted.has(line.id))
  return left.map((line) => (line.reply && deleted.has(line.reply.id) ? { ...line, reply: { ...line.reply, text: '' } } : line))
}

function noticeQuiet(room: RoomState, clock: Clock): void {
  room.quietSince = SLOTS.some((slot) => room.slots[slot].state === 'live') ? null : (room.quietSince ?? clock.steady)
}

/** A snapshot holds the last fifty lines; what the page already shows stays above them. */
function merge(shown: readonly Chat[], fresh: readonly Chat[]): Chat[] {
  const known = new Set(fresh.map((line) => line.id))
  return [...shown.filter((line) => !known.has(line.id)), ...fresh].sort((a, b) => place(a) - place(b)).slice(-CHAT_KEPT)
}

/** Lines count through a lecture (`c17`), whatever happens to the service; `seq` does not. */
export function place(line: Chat): number {
  return Number(line.id.slice(1))
}

/** That of the last line; 0 where nothing was said. */
export function lastPlace(lines: readonly Chat[]): number {
  const last = lines.at(-1)
  return last ? place(last) : 0
}

/** In its place where it is known, else last. */
function put<T extends { id: string }>(known: readonly T[], one: T): T[] {
  return known.some((other) => other.id === one.id) ? known.map((other) => (other.id === one.id ? one : other)) : [...known, one]
}

const TABLE: Table = {
  snapshot: takeSnapshot,
  resumed: (room, message) => {
    room.count = message.count
    room.cutOff = false
    if (room.you) room.you = { ...room.you, connection: message.connection }
    awaitOwn(room)
  },
  chat: (room, message) => {
    if (room.chat.some((line) => line.id === message.id)) return
    room.chat.push(message)
    if (room.chat.length > CHAT_KEPT) room.chat.splice(0, room.chat.length - CHAT_KEPT)
  },
  'chat-deleted': (room, message) => {
    room.chat = forget(room.chat, new Set([message.id]))
  },
  pinned: (room, message) => {
    room.pinned = message
  },
  'talk-rules': (room, message) => {
    room.rules = message
  },
  muted: (room, message) => {
    room.muted = message.muted
  },
  question: (room, { question }) => {
    const others = room.questions.filter((other) => other.id !== question.id)
    room.questions = question.state === 'dismissed' ? others : put(room.questions, question)
  },
  asked: (room, message) => {
    room.asked = message.questions
  },
  poll: (room, { poll }) => {
    room.polls = put(room.polls, poll)
  },
  voted: (room, message) => {
    room.votes = { ...room.votes, [message.poll]: message.choices }
  },
  'order-kept': (room, message) => {
    room.kept = message
  },
  stage: (room, message) => {
    room.stage = message
  },
  hand: (room, message) => {
    room.hand = message
  },
  part: (room, message) => {
    const before = isBehind(room)
    room.part = message
    if (isBehind(room) !== before) seeAll(room)
  },
  hands: (room, message) => {
    room.hands = message
  },
  'running-order': (room, message) => {
    room.order = message
  },
  'sign-in': (room, message) => {
    room.signIn = message
  },
  'sign-ins': (room, message) => {
    room.signIns = message
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
    room.told[slot] = { slot, state, name, branch, member, video }
    room.slots[slot] = asSeen(room, slot, room.told[slot])
    noticeQuiet(room, clock)
  },
  'relay-restarted': (room) => {
    room.relays += 1
  },
  home: (room, message) => {
    room.whip = message.whip
    room.whep = message.whep
    room.relays += 1
  },
  notice: (room, message) => {
    room.cutOff = message.kind === 'bus-away'
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
    room.problem = { text: message.text, reason: message.reason, fatal: message.fatal, key: message.key, number: (room.problem?.number ?? 0) + 1 }
  },
}

/** The least that this session is sent of a slot that is live. */
export function levelOf(room: RoomState, session: string | null): Level {
  const levels = session === null ? undefined : room.levels[session]
  const live = new Set(SLOTS.filter((slot) => room.slots[slot].state === 'live').map((slot) => levels?.[slot] ?? 'full'))
  return live.has('audio-only') ? 'audio-only' : live.has('reduced') ? 'reduced' : 'full'
}

/** To these neither slow mode nor "nobody writes" applies. */
const IN_ORDER: ReadonlySet<string> = new Set(['lecturer', 'host', 'operator'])

export function keepsOrder(room: Pick<RoomState, 'you'>): boolean {
  return room.you !== null && IN_ORDER.has(room.you.role)
}

/** ms of slow mode until this person may say the next line; 0 when they may. `wall`: this page's clock, ms. */
export function restOf(room: RoomState, wall: number): number {
  const { rules, you } = room
  if (!rules || rules.slow === 0 || !you || keepsOrder(room)) return 0
  const own = room.chat.filter((line) => line.name === you.name && line.branch === you.branch)
  const last = own.at(-1)
  return last ? Math.max(0, Date.parse(last.at) + rules.slow * 1000 - wall - room.skew) : 0
}

/** For its link this session is sent sound alone of a slot. */
export function isHeardOnly(room: RoomState, session: string | null, slot: Slot): boolean {
  return session !== null && room.levels[session]?.[slot] === 'audio-only'
}

/** Unknown types (a newer service) are left alone. */
export function receive(room: RoomState, message: SingleMessage, clock: Clock): void {
  const take = TABLE[message.type] as ((room: RoomState, message: SingleMessage, clock: Clock) => void) | undefined
  take?.(room, message, clock)
}

/**
 * Milliseconds credited by now: while counting, the clock runs on between the service's messages. `away`: since when
 * (`steady`) there is no word from the service; then the figure stands at what was known.
 */
export function countedNow(room: RoomState, steady: number, away: number | null = null): number {
  if (!room.counted) return 0
  const until = Math.min(steady, room.quietSince ?? steady, away ?? steady)
  return room.counted.counted_ms + (room.counted.receiving ? Math.max(0, until - room.countedAt) : 0)
}
