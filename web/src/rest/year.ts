/** A year of lectures: everybody's credit hours, and the organization's table of them (docs/protocol.md §6). */

import { json, request } from './problem'
import { OURS, one } from './office'

export type Kind = 'member' | 'officer'
export type Verdict = 'present' | 'late' | 'left-early' | 'incomplete' | 'excused' | 'absent' | 'not-measured'

export interface YearLecture {
  id: string
  title: string
  started: string
  minutes: number
  hours: number
  /** Somebody set its hours. */
  by_hand: boolean
  row: number
  hash: string
  signature: string | null
  /** The first row of its ledger that did not verify. */
  broken: number | null
}

export interface YearBranch {
  branch: string
  members: number
  reached: number
  not_measured: number
  /** Null where nobody could be measured. */
  progress: number | null
}

export interface YearMember {
  id: string
  name: string
  branch: string
  phone: string | null
  kind: Kind
  left: boolean
  /** Null, as progress, where there were lectures and none could be measured. */
  hours: number | null
  target: number
  progress: number | null
  invited: number
  present: number
  partly: number
  excused: number
  absent: number
  not_measured: number
}

export interface Year {
  year: number
  scope: string
  /** Lectures that are not reckoned yet. */
  pending: number
  version: number
  sentence: string
  lectures: YearLecture[]
  /** The scope as a whole first, then worst first. */
  branches: YearBranch[]
  members: YearMember[]
}

export interface MemberLecture {
  lecture: string
  title: string
  started: string
  worth: number
  verdict: Verdict
  by_hand: boolean
  hours: number | null
  credited_seconds: number | null
  denominator_seconds: number | null
}

export interface HoursTable {
  credit: 'verdict' | 'share' | 'time'
  hour: number
  unit: number
  rounding: 'nearest' | 'down'
  lengths: { minutes: number; hours: number }[]
  shares: { share: number; part: number }[]
  member: number
  officer: number
}

export interface HoursVersion {
  version: number
  table: HoursTable
  sentence: string
  at: string | null
  by: string | null
  why: string
}

export type Hours = HoursVersion & { versions: HoursVersion[] }

const HEADERS = { ...OURS, 'Content-Type': 'application/json' }
const put = (body: unknown): RequestInit => ({ method: 'PUT', headers: HEADERS, body: JSON.stringify(body) })

export const years = {
  year: (year: number) => json<Year>(`/api/attendance/year?year=${year}`),
  member: (year: number, id: string) =>
    json<{ member: YearMember; lectures: MemberLecture[] }>(`/api/attendance/year/members/${encodeURIComponent(id)}?year=${year}`),
  file: (year: number, scope = '') => `/api/attendance/year.xlsx?${new URLSearchParams({ year: String(year), ...(scope ? { scope } : {}) })}`,
  hours: () => json<Hours>('/api/attendance/hours'),
  setHours: (version: number, table: HoursTable, why: string) => json<Hours>('/api/attendance/hours', put({ version, table, why })),
  setWorth: (lecture: string, hours: number | null) => request(`${one(lecture)}/hours`, put({ hours })),
}
