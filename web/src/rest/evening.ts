/** What staff prepares and looks up of one lecture's evening: the running order, the timeline, what was said. */

import type { QuestionState } from '../channel/messages'
import { json, request } from './problem'
import { OURS, one } from './office'

/** A testimonial of the running order. `id` and `member` are the service's: null for one that was just written down. */
export interface Planned {
  id: string | null
  member: string | null
  name: string
  branch: string
  title: string
  minutes: number
}

export interface PlannedOrder {
  entries: Planned[]
}

export interface OrderImport extends PlannedOrder {
  refused: { line: number; reason: string }[]
}

/** Something that happened. `kind` is a word of the table "timeline.*". */
export interface Happened {
  at: string
  until?: string | null
  kind: string
  name?: string | null
  branch?: string | null
  by?: string | null
  detail?: string | null
}

export interface Timeline {
  events: Happened[]
}

/** A line of chat ("c…") or a question ("q…"). `state`: what became of it, where anything did. */
export interface LogLine {
  number: number
  id: string
  at: string
  member: string
  name: string
  branch: string
  role: string
  text: string
  reply: string | null
  state: QuestionState | 'deleted' | null
}

export interface Log {
  /** Oldest first. */
  lines: LogLine[]
  /** The number to go on after; null: that was all. */
  next: number | null
}

/** Somebody did something in the room; `kind` is a word of the table "desk.deed-of.*". */
export interface Deed {
  number: number
  at: string
  by: string
  role: string
  kind: string
  name: string | null
  branch: string | null
  text: string | null
}

export interface Trail {
  deeds: Deed[]
  more: boolean
}

export const evening = {
  order: (id: string) => json<PlannedOrder>(`${one(id)}/order`),
  setOrder: (id: string, entries: readonly Planned[]) =>
    json<PlannedOrder>(`${one(id)}/order`, {
      method: 'PUT',
      headers: { ...OURS, 'Content-Type': 'application/json' },
      body: JSON.stringify({ entries }),
    }),
  importOrder: async (id: string, file: File): Promise<OrderImport> => {
    const path = `${one(id)}/order/import?${new URLSearchParams({ name: file.name })}`
    const headers = { ...OURS, 'Content-Type': 'application/octet-stream' }
    return (await (await request(path, { method: 'POST', headers, body: file })).json()) as OrderImport
  },
  timeline: (id: string, signal?: AbortSignal) => json<Timeline>(`${one(id)}/timeline`, { signal }),
  talk: (id: string, find: string, after: number) => json<Log>(`${one(id)}/talk?${new URLSearchParams({ find, after: String(after) })}`),
  /** The latest first; below the number `before`, where there is one. */
  audit: (id: string, before: number | null) =>
    json<Trail>(`${one(id)}/audit${before === null ? '' : `?${new URLSearchParams({ before: String(before) })}`}`),
  talkFile: (id: string) => `${one(id)}/talk.xlsx`,
}
