/** Leave, corrections and objections, for organizers (docs/protocol.md §4). */

import { OURS, one } from './office'
import { json, request } from './problem'
import type { MemberRecord, Objection, Verdict } from './record'

export const CAUSES = ['duty', 'illness', 'personal', 'other'] as const
export type Cause = (typeof CAUSES)[number]

/** What every table of members knows of one. */
export interface Someone {
  id: string
  name: string
  branch: string
  phone?: string | null
}

export interface Leave {
  member: string
  cause: Cause
  at: string
  /** Empty: from the command line. */
  by_name: string
}

/** What a correction may say. */
export const RULINGS = ['present', 'late', 'left-early', 'incomplete', 'absent'] as const
export type Ruling = (typeof RULINGS)[number]

/** `credited_seconds` null: as measured. */
export interface Correction {
  verdict: Verdict
  credited_seconds: number | null
}

export interface FiledObjection extends Objection {
  member: string
  name: string
  branch: string
  phone: string | null
}

const of = (lecture: string, member: string): string => `${one(lecture)}/excuses/${encodeURIComponent(member)}`

const corrections = (lecture: string, member: string): string =>
  `${one(lecture)}/corrections/${encodeURIComponent(member)}`

function send(path: string, method: string, body?: unknown): Promise<Response> {
  const headers = body === undefined ? OURS : { ...OURS, 'Content-Type': 'application/json' }
  return request(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
}

export const records = {
  leaves: (lecture: string) => json<Leave[]>(`${one(lecture)}/excuses`),
  /** Null takes it back. */
  setLeave: (lecture: string, member: string, cause: Cause | null) =>
    cause === null ? send(of(lecture, member), 'DELETE') : send(of(lecture, member), 'PUT', { cause }),

  record: (lecture: string, member: string) => json<MemberRecord>(`${one(lecture)}/records/${encodeURIComponent(member)}`),
  correct: async (lecture: string, member: string, correction: Correction & { why: string }) =>
    (await (await send(corrections(lecture, member), 'PUT', correction)).json()) as MemberRecord,
  withdraw: async (lecture: string, member: string) =>
    (await (await send(corrections(lecture, member), 'DELETE')).json()) as MemberRecord,

  objections: (lecture: string) => json<FiledObjection[]>(`${one(lecture)}/objections`),
  waiting: (lecture: string) => json<FiledObjection[]>(`${one(lecture)}/objections?state=open`),
  answer: (lecture: string, objection: string, answer: string, correction: Correction | null) =>
    send(`${one(lecture)}/objections/${encodeURIComponent(objection)}/answer`, 'POST', { answer, correction }),
}
