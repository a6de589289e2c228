/** A member's record of one lecture (docs/protocol.md §2, §4), as they and their organizer read it. */

import { json } from './problem'

export type Verdict = 'present' | 'late' | 'left-early' | 'incomplete' | 'excused' | 'absent' | 'not-measured'

export interface Span {
  from: string
  to: string
}

export interface Session extends Span {
  kind: 'connected' | 'receiving' | 'visible' | 'on_stage'
  kind_text: string
  evidence: string
  evidence_text: string
  opened_by_text: string
  closed_by_text: string
  uncertainty_seconds: number
  open: boolean
}

export interface Objection {
  id: string
  at: string
  text: string
  state: 'open' | 'answered'
  answer: string
  answered_at: string | null
  /** A name; null: from the command line. */
  by: string | null
}

export interface Decision {
  at: string
  what: 'leave-given' | 'leave-withdrawn' | 'corrected' | 'correction-withdrawn'
  /** What it is called. */
  text: string
  before_text: string
  after_text: string
  credited_seconds: number | null
  by: string | null
  why: string
}

export interface MemberRecord {
  lecture: { id: string; state: string; started: string | null; ended: string | null }
  rule: string
  id: string
  name: string
  branch: string
  verdict: Verdict | null
  verdict_text: string
  measured_verdict: Verdict | null
  measured_text: string
  explanation: string
  /** Null: not measured. */
  credited_seconds: number | null
  denominator_seconds: number | null
  share: number | null
  correction: { verdict: Verdict; credited_seconds: number | null; at: string; by: string | null; why: string } | null
  sessions: Session[]
  bridged: Span[]
  sign_ins: { id: string; at: string; until: string; answered: string | null }[]
  failed: { at: string; cause: string; text: string; detail: string }[]
  counted: Span[]
  outages: (Span & { cause: string })[]
  silent: Span[]
  decisions: Decision[]
  objections: Objection[]
}

function post<T = MemberRecord>(path: string, body: unknown): Promise<T> {
  const headers = { 'Content-Type': 'application/json' }
  return json<T>(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

export const myRecord = (ticket: string): Promise<MemberRecord> => post('/api/record', { ticket })

export const objectTo = (ticket: string, text: string): Promise<MemberRecord> => post('/api/record/objection', { ticket, text })

/** One's own credit hours in the present year (docs/protocol.md §6). `hours` null: nothing could be measured. */
export interface OwnYear {
  year: number
  hours: number | null
  target: number
  invited: number
  present: number
  not_measured: number
  /** Lectures that are not reckoned yet. */
  pending: number
}

export const myYear = (ticket: string): Promise<OwnYear> => post('/api/record/year', { ticket })
