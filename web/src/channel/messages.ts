// Generated from classroom/room/messages.py by `python web/messages.py`. Do not edit.
// Times are ISO 8601 with offset; docs/protocol.md §3 says when each message is sent.

export const VERSION = 1

export const Close = {
  RESTARTING: 1012,
  PROTOCOL: 4400,
  TICKET: 4401,
  BARRED: 4403,
  NO_LECTURE: 4404,
  NO_HELLO: 4408,
  TOO_MANY_DEVICES: 4409,
  LECTURE_OVER: 4410,
  TOO_SLOW: 4413,
  TOO_MANY_TRIES: 4429,
} as const

export type Page = "room" | "studio" | "console"

export interface Hello {
  type: "hello"
  ticket?: string | null
  lecture?: string | null
  last?: number | null
  version?: 1
  page?: Page
  device?: string
}

export interface Proof {
  session: string
  marks: number[]
}

export interface Heartbeat {
  type: "heartbeat"
  visible: boolean
  playing: boolean
  proofs?: Proof[]
}

export interface Quality {
  type: "quality"
  fps?: number | null
  freezes?: number | null
  loss?: number | null
  delay_ms?: number | null
  rtt_ms?: number | null
}

export interface Reception {
  type: "reception"
  session: string
  lost: number
  frozen_ms: number
}

export type Cause = "no-media" | "no-udp" | "autoplay" | "no-codec" | "no-webrtc" | "camera-refused" | "other"

export interface Trouble {
  type: "trouble"
  cause: Cause
  detail?: string
}

export interface Command {
  type: "lecture"
  action: "end" | "start"
}

export interface Say {
  type: "chat"
  text: string
  key?: string | null
  reply?: string | null
}

export interface Ask {
  type: "ask"
  text: string
  key?: string | null
}

export interface Vote {
  type: "vote"
  poll: string
  choices: number[]
}

export interface Delete {
  type: "delete"
  id: string
}

export interface Pin {
  type: "pin"
  text: string | null
}

export interface MoveQuestion {
  type: "question"
  id: string
  state: "answered" | "dismissed" | "published"
}

export interface Mute {
  type: "mute"
  muted: boolean
  said?: string | null
  member?: string | null
}

export interface MuteAll {
  type: "mute-all"
  muted: boolean
}

export interface Slow {
  type: "slow"
  seconds: number
}

export interface Bar {
  type: "bar"
  barred: boolean
  said?: string | null
  member?: string | null
}

export interface SetWords {
  type: "words"
  words: string[]
}

export interface OpenPoll {
  type: "poll-open"
  question: string
  options: string[]
  multiple?: boolean
}

export interface ClosePoll {
  type: "poll-close"
  poll: string
}

export interface RaiseHand {
  type: "hand"
  up: boolean
}

export interface LowerHand {
  type: "lower-hand"
  member: string
}

export interface Call {
  type: "call"
  member: string
  minutes?: number | null
}

export interface AnswerCall {
  type: "answer-call"
  accept: boolean
}

export interface PutOn {
  type: "put-on"
  member: string
}

export interface TakeOff {
  type: "take-off"
  member: string
}

export interface Next {
  type: "next"
  off: string | null
  on: string | null
}

export interface LeaveStage {
  type: "leave-stage"
}

export type Layout = "lecturer" | "side-by-side" | "screen" | "guest"

export interface SetLayout {
  type: "set-layout"
  layout: Layout
}

export interface Extend {
  type: "extend"
  minutes: number
}

export interface Talkback {
  type: "talkback"
  on: boolean
}

export interface CallSignIn {
  type: "call-sign-in"
}

export interface Signed {
  type: "signed"
  id: string
}

export interface You {
  id: string
  name: string
  branch: string
  role: string
  connection: string
}

export type LectureState = "planned" | "lobby" | "live" | "interrupted" | "ended" | "published"

export interface LectureView {
  id: string
  title: string
  state: LectureState
  starts: string | null
  ends: string | null
  since: string | null
}

export type SlotState = "empty" | "expected" | "stage" | "live" | "lost"

export type Codec = "opus" | "vp8" | "h264"

export interface SlotView {
  slot: string
  state: SlotState
  name: string | null
  branch: string | null
  member: string | null
  video: Codec | null
}

export interface Quoted {
  id: string
  name: string
  text: string
}

export interface Chat {
  type: "chat"
  seq: number
  id: string
  name: string
  branch: string
  role: string
  text: string
  at: string
  key: string | null
  reply: Quoted | null
}

export interface Pinned {
  type: "pinned"
  seq: number
  text: string | null
  by: string | null
}

export interface TalkRules {
  type: "talk-rules"
  seq: number
  muted: boolean
  slow: number
}

export type QuestionState = "asked" | "published" | "answered" | "dismissed"

export interface Question {
  id: string
  name: string
  branch: string
  text: string
  at: string
  state: QuestionState
}

export interface Poll {
  id: string
  question: string
  options: string[]
  multiple: boolean
  open: boolean
  results: number[]
  voters: number
}

export interface OnStage {
  name: string
  branch: string
  title: string
  since: string
  until: string | null
  lost: boolean
}

export interface StageChanged {
  type: "stage"
  seq: number
  layout: Layout
  on: OnStage | null
  next: string | null
}

export interface Snapshot {
  type: "snapshot"
  seq: number
  version: number
  you: You
  lecture: LectureView
  slots: SlotView[]
  count: number
  chat: Chat[]
  deleted: string[]
  pinned: Pinned
  rules: TalkRules
  questions: Question[]
  polls: Poll[]
  stage: StageChanged
  whip: string
  whep: string
  now: string
}

export interface Resumed {
  type: "resumed"
  seq: number
  connection: string
  count: number
}

export type NotCounting = "not-started" | "no-media" | "interrupted" | "ended" | "not-member"

export interface Counted {
  type: "counted"
  receiving: boolean
  counted_ms: number
  since: string | null
  reason: NotCounting | null
}

export type Level = "full" | "reduced" | "audio-only"

export interface PictureLevel {
  type: "picture"
  session: string
  slot: string
  level: Level
}

export interface County {
  branch: string
  invited: number
  connected: number
  receiving: number
  missing: number
  excused: number
}

export interface AudienceSeen {
  type: "audience"
  connected: number
  receiving: number
  invited: number
  trouble: number
  missing: number
  counties: County[]
  excused: number
  hearing: number
  silent: boolean
}

export interface Notice {
  type: "notice"
  kind: "bus-away" | "bus-back"
}

export interface QuestionsAsked {
  type: "asked"
  questions: Question[]
}

export interface Muted {
  type: "muted"
  muted: boolean
}

export interface Voted {
  type: "voted"
  poll: string
  choices: number[]
}

export interface KeptOrder {
  member: string
  name: string
  branch: string
}

export interface Order {
  type: "order-kept"
  muted: KeptOrder[]
  barred: KeptOrder[]
  words: string[]
}

export interface HandState {
  type: "hand"
  up: boolean
  position: number | null
}

export type Part = "off" | "called" | "checking" | "backstage" | "on" | "lost"

export interface PartChanged {
  type: "part"
  part: Part
  slot: string
  by: string | null
  title: string
  minutes: number | null
  until: string | null
  deadline: string | null
  reason: string | null
}

export interface Hand {
  member: string
  name: string
  branch: string
  since: string
}

export interface Hands {
  type: "hands"
  count: number
  hands: Hand[]
}

export interface Testimonial {
  id: string
  member: string
  name: string
  branch: string
  title: string
  minutes: number
  part: Part
  here: boolean
  done: boolean
  passed: boolean
}

export interface NextStep {
  off: string | null
  on: string | null
  call: string | null
  coming: string | null
}

export interface RunningOrder {
  type: "running-order"
  entries: Testimonial[]
  others: Testimonial[]
  next: NextStep
}

export interface SignIn {
  type: "sign-in"
  id: string
  until: string
  answered: boolean
}

export interface SignInProgress {
  type: "sign-ins"
  id: string
  until: string
  asked: number
  answered: number
}

export interface Presence {
  type: "presence"
  seq: number
  count: number
}

export interface LectureChanged {
  type: "lecture"
  seq: number
  state: LectureState
  since: string
  cause: string
}

export interface SlotChanged {
  type: "slot"
  seq: number
  slot: string
  state: SlotState
  name: string | null
  branch: string | null
  member: string | null
  video: Codec | null
}

export interface RelayRestarted {
  type: "relay-restarted"
  seq: number
}

export interface HomeMoved {
  type: "home"
  seq: number
  whip: string
  whep: string
}

export interface ChatDeleted {
  type: "chat-deleted"
  seq: number
  id: string
}

export interface QuestionMoved {
  type: "question"
  seq: number
  question: Question
}

export interface PollChanged {
  type: "poll"
  seq: number
  poll: Poll
}

export interface Problem {
  type: "error"
  reason: string
  text: string
  fatal: boolean
  key: string | null
}

export interface Batch {
  type: "batch"
  messages: (Snapshot | Resumed | Counted | PictureLevel | AudienceSeen | Notice | QuestionsAsked | Muted | Voted | Order | HandState | PartChanged | Hands | RunningOrder | SignIn | SignInProgress | Presence | LectureChanged | SlotChanged | RelayRestarted | HomeMoved | StageChanged | Chat | ChatDeleted | Pinned | QuestionMoved | TalkRules | PollChanged | Problem)[]
}

export type ClientMessage = Hello | Heartbeat | Quality | Reception | Trouble | Command | Say | Ask | Vote | Delete | Pin | MoveQuestion | Mute | MuteAll | Slow | Bar | SetWords | OpenPoll | ClosePoll | RaiseHand | LowerHand | Call | AnswerCall | PutOn | TakeOff | Next | LeaveStage | SetLayout | Extend | Talkback | CallSignIn | Signed

export type RoomMessage = Presence | LectureChanged | SlotChanged | RelayRestarted | HomeMoved | StageChanged | Chat | ChatDeleted | Pinned | QuestionMoved | TalkRules | PollChanged

export type SingleMessage = Snapshot | Resumed | Counted | PictureLevel | AudienceSeen | Notice | QuestionsAsked | Muted | Voted | Order | HandState | PartChanged | Hands | RunningOrder | SignIn | SignInProgress | Presence | LectureChanged | SlotChanged | RelayRestarted | HomeMoved | StageChanged | Chat | ChatDeleted | Pinned | QuestionMoved | TalkRules | PollChanged | Problem

export type ServerMessage = Snapshot | Resumed | Counted | PictureLevel | AudienceSeen | Notice | QuestionsAsked | Muted | Voted | Order | HandState | PartChanged | Hands | RunningOrder | SignIn | SignInProgress | Presence | LectureChanged | SlotChanged | RelayRestarted | HomeMoved | StageChanged | Chat | ChatDeleted | Pinned | QuestionMoved | TalkRules | PollChanged | Problem | Batch
