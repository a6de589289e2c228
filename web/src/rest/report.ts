/** A lecture's report as the console shows it (docs/protocol.md §4). */

import type { LectureState } from '../channel/messages'
import { one } from './office'
import { json } from './problem'

export const VERDICTS = ['present', 'late', 'left-early', 'incomplete', 'excused', 'absent', 'not-measured'] as const
export type Verdict = (typeof VERDICTS)[number]

export interface Span {
  from: string
  to: string
}

export interface Outage extends Span {
  cause: string
}

/** What everybody's evening is measured against. */
export interface Frame {
  state: LectureState
  started: string | null
  ended: string | null
  /** Null: nothing counted. */
  counted_seconds: number | null
  scope: string
  outages: Outage[]
  silent: Span[]
}

/** Null is not measured, never 0. */
export interface ReportLine {
  id: string
  name: string
  branch: string
  role: string
  phone: string | null
  city: string | null
  verdict: Verdict | null
  leave: string | null
  credited_seconds: number | null
  share: number | null
  first_join: string | null
  last_leave: string | null
  answered: number | null
  asked: number | null
  failed: number
  by_code: boolean
  explanation: string
}

export interface Report extends Frame {
  rule: { version: number; sentence: string }
  members: ReportLine[]
  head: { row: number; hash: string; broken: boolean }
}

export interface Session extends Span {
  kind: 'connected' | 'receiving' | 'visible' | 'on_stage'
  evidence: string
  opened_by: string
  closed_by: string
  uncertainty_seconds: number
  open: boolean
}

export interface Evening extends Frame, ReportLine {
  sessions: Session[]
  bridged: Span[]
  gaps: (Span & { connected: boolean })[]
  sign_ins: { at: string; until: string; answered: string | null }[]
  failures: { at: string; cause: string; detail: string }[]
}

/** Counts at `from` and every `step_seconds` after it. */
export interface Curve {
  from: string
  step_seconds: number
  connected: (number | null)[]
  receiving: (number | null)[]
}

export interface Curves extends Frame {
  curve: Curve | null
}

export const reports = {
  report: (id: string, signal: AbortSignal) => json<Report>(`${one(id)}/report`, { signal }),
  evening: (id: string, member: string) => json<Evening>(`${one(id)}/report/${encodeURIComponent(member)}`),
  curve: (id: string, signal: AbortSignal) => json<Curves>(`${one(id)}/curve`, { signal }),
}
