// Generated from classroom/room/messages.py by `python web/messages.py`. Do not edit.
// Times are ISO 8601 with offset; docs/protocol.md §3 says when each message is sent.

export const VERSION = 1

export const Close = {
  RESTARTING: 1012,
  PROTOCOL: 4400,
  TICKET: 4401,
  NO_LECTURE: 4404,
  NO_HELLO: 4408,
  TOO_MANY_DEVICES: 4409,
  LECTURE_OVER: 4410,
  TOO_SLOW: 4413,
  TOO_MANY_TRIES: 4429,
} as const

export type Page = "room" | "studio"

export interface Hello {
  type: "hello"
  ticket: string
  last?: number | null
  version?: 1
  page?: Page
  device?: string
}

export interface Heartbeat {
  type: "heartbeat"
  visible: boolean
  playing: boolean
}

export interface Say {
  type: "chat"
  text: string
  key?: string | null
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

export type SlotState = "empty" | "expected" | "live" | "lost"

export type Codec = "opus" | "vp8" | "h264"

export interface SlotView {
  slot: string
  state: SlotState
  name: string | null
  branch: string | null
  member: string | null
  video: Codec | null
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

export interface AudienceSeen {
  type: "audience"
  connected: number
  receiving: number
  invited: number
  trouble: number
}

export interface Problem {
  type: "error"
  reason: string
  text: string
  fatal: boolean
}

export interface Batch {
  type: "batch"
  messages: (Snapshot | Resumed | Chat | Presence | LectureChanged | SlotChanged | RelayRestarted | Counted | PictureLevel | AudienceSeen | Problem)[]
}

export type ClientMessage = Hello | Heartbeat | Say | Quality | Reception | Trouble | Command

export type RoomMessage = Chat | Presence | LectureChanged | SlotChanged | RelayRestarted

export type SingleMessage = Snapshot | Resumed | Chat | Presence | LectureChanged | SlotChanged | RelayRestarted | Counted | PictureLevel | AudienceSeen | Problem

export type ServerMessage = Snapshot | Resumed | Chat | Presence | LectureChanged | SlotChanged | RelayRestarted | Counted | PictureLevel | AudienceSeen | Problem | Batch
