/** The report for the eye: who is shown, in which order, and what of each branch and city. Not measured is never 0. */

import { type ReportLine, type Verdict } from '../../rest/report'
import { trail, within, type Place } from './live'

/** What a line of the report is counted as. */
export const GROUPS = ['present', 'partial', 'excused', 'absent', 'not-measured'] as const
export type Group = (typeof GROUPS)[number]
export type Chosen = Group | 'all'

export const COLUMNS = ['name', 'branch', 'city', 'verdict', 'share', 'credited', 'first', 'signed'] as const
export type Column = (typeof COLUMNS)[number]

export interface Order {
  column: Column
  down: boolean
}

/** A branch, with all below it, or a city. */
export interface Sum {
  name: string
  place: Place
  invited: number
  groups: Record<Group, number>
  /** Of the time that those who were measured could have had; null where nobody was. */
  share: number | null
}

const GROUP_OF: Record<Verdict, Group> = {
  present: 'present',
  late: 'partial',
  'left-early': 'partial',
  incomplete: 'partial',
  excused: 'excused',
  absent: 'absent',
  'not-measured': 'not-measured',
}
/** Red is only who did not come. */
export const TONES: Record<Group, 'good' | 'warn' | 'bad' | 'soft'> = {
  present: 'good',
  partial: 'warn',
  excused: 'soft',
  absent: 'bad',
  'not-measured': 'soft',
}
const RANK: readonly Verdict[] = ['absent', 'late', 'left-early', 'incomplete', 'not-measured', 'excused', 'present']

export function groupOf(line: ReportLine): Group {
  return line.verdict === null ? 'not-measured' : GROUP_OF[line.verdict]
}

export function sums(lines: readonly ReportLine[]): Record<Chosen, number> {
  const found = { all: lines.length, present: 0, partial: 0, excused: 0, absent: 0, 'not-measured': 0 }
  for (const line of lines) found[groupOf(line)] += 1
  return found
}

export function at(line: ReportLine, place: Place | null): boolean {
  if (place === null) return true
  return place.city === undefined ? within(line.branch, place) : (line.city ?? '') === place.city
}

/** `search`: parts of name, branch, phone, city or explanation, all of which must be found. */
export function chosen(lines: readonly ReportLine[], which: Chosen, search: string, place: Place | null): ReportLine[] {
  const words = search.trim().toLowerCase().split(/\s+/).filter(Boolean)
  return lines.filter((line) => {
    if ((which !== 'all' && groupOf(line) !== which) || !at(line, place)) return false
    const text = `${line.name} ${line.branch} ${line.phone ?? ''} ${line.city ?? ''} ${line.explanation}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

const KEYS: Record<Column, (line: ReportLine) => string | number | null> = {
  name: (line) => line.name,
  branch: (line) => line.branch,
  city: (line) => line.city,
  verdict: (line) => (line.verdict === null ? null : RANK.indexOf(line.verdict)),
  share: (line) => line.share,
  credited: (line) => line.credited_seconds,
  first: (line) => line.first_join,
  signed: (line) => line.answered,
}

/** What is not known stands last, whichever way. */
export function ordered(lines: readonly ReportLine[], { column, down }: Order): ReportLine[] {
  const key = KEYS[column]
  const turn = down ? -1 : 1
  return [...lines].sort((a, b) => {
    const [left, right] = [key(a), key(b)]
    if (left === null || right === null) return (left === null ? 1 : 0) - (right === null ? 1 : 0)
    if (typeof left === 'string' && typeof right === 'string') return turn * left.localeCompare(right, 'zh')
    return turn * (Number(left) - Number(right)) || a.name.localeCompare(b.name, 'zh')
  })
}

/** The branches right below `scope`, those first of which the smallest part was present. */
export function byBranch(lines: readonly ReportLine[], scope: string): Sum[] {
  const whole: Place = { path: scope, exact: false }
  return summed(lines.filter((line) => within(line.branch, whole)), (line) => {
    const step = trail(line.branch, scope)[0]
    return step ? { name: step.name, place: { path: step.path, exact: false } } : { name: '', place: { path: scope, exact: true } }
  })
}

export function byCity(lines: readonly ReportLine[]): Sum[] {
  return summed(lines, ({ city }) => ({ name: city ?? '', place: { path: '', exact: false, city: city ?? '' } }))
}

function summed(lines: readonly ReportLine[], of: (line: ReportLine) => { name: string; place: Place }): Sum[] {
  const found = new Map<string, { name: string; place: Place; lines: ReportLine[] }>()
  for (const line of lines) {
    const where = of(line)
    const known = found.get(where.name)
    if (known) known.lines.push(line)
    else found.set(where.name, { ...where, lines: [line] })
  }
  return [...found.values()]
    .map(({ name, place, lines: own }) => {
      const { all, ...groups } = sums(own)
      const measured = own.map((line) => line.share).filter((share) => share !== null)
      const share = measured.length > 0 ? measured.reduce((sum, one) => sum + one, 0) / measured.length : null
      return { name, place, invited: all, groups, share }
    })
    .sort((a, b) => part(a) - part(b) || b.invited - a.invited || a.name.localeCompare(b.name, 'zh'))
}

/** Of those who had to come. */
export function part({ invited, groups }: Pick<Sum, 'invited' | 'groups'>): number {
  const due = invited - groups.excused
  return due === 0 ? 1 : groups.present / due
}

/** Cut, so that no share looks better than it was. */
export function percent(share: number): string {
  return `${(Math.floor(share * 1000 + 1e-6) / 10).toFixed(1)}%`
}
