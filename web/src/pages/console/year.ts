/** How the page of a year shows what the service reckoned. */

import type { Kind, Verdict, YearBranch, YearMember } from '../../rest/year'

export type Show = 'all' | 'short' | 'reached' | 'officer' | 'unmeasured'
export const SHOWS: readonly Show[] = ['all', 'short', 'reached', 'officer', 'unmeasured']

const FITS: Record<Show, (one: YearMember) => boolean> = {
  all: () => true,
  short: (one) => one.hours !== null && one.hours < one.target,
  reached: (one) => one.hours !== null && one.hours >= one.target,
  officer: (one) => one.kind === 'officer',
  unmeasured: (one) => one.not_measured > 0,
}

export function within(branch: string, place: string): boolean {
  return place === '' || branch === place || branch.startsWith(`${place} / `)
}

/** Of a branch and all below it; the order stays. */
export function filtered(members: readonly YearMember[], show: Show, search: string, place: string): YearMember[] {
  const asked = search.trim().toLowerCase()
  return members.filter(
    (one) =>
      FITS[show](one) &&
      within(one.branch, place) &&
      (asked === '' || [one.name, one.branch, one.phone ?? ''].some((text) => text.toLowerCase().includes(asked))),
  )
}

export function counts(members: readonly YearMember[], place: string): Record<Show, number> {
  const here = members.filter((one) => within(one.branch, place))
  return Object.fromEntries(SHOWS.map((show) => [show, here.filter(FITS[show]).length])) as Record<Show, number>
}

const depth = (path: string): number => (path === '' ? 0 : path.split(' / ').length)

/** The branches right below a place, in the order they came in; where there are none, those beside it. */
export function level(branches: readonly YearBranch[], place: string, scope: string): { at: string; rows: YearBranch[] } {
  const below = (at: string): YearBranch[] =>
    branches.filter((one) => one.branch !== at && within(one.branch, at) && depth(one.branch) === depth(at) + 1)
  const rows = below(place)
  if (rows.length > 0 || place === scope) return { at: place, rows }
  const above = place.split(' / ').slice(0, -1).join(' / ')
  return { at: above, rows: below(above) }
}

/** Each step from the scope (left out) down to a place. */
export function steps(place: string, scope: string): { path: string; name: string }[] {
  const parts = place === '' ? [] : place.split(' / ')
  const known = scope === '' ? 0 : scope.split(' / ').length
  return parts.slice(known).map((name, at) => ({ name, path: parts.slice(0, known + at + 1).join(' / ') }))
}

/** 1.5, 32: no zeros that say nothing. */
export function written(hours: number): string {
  return String(Math.round(hours * 100) / 100)
}

/** "23%"; null where nothing could be measured. */
export const percent = (progress: number | null): string | null => (progress === null ? null : `${Math.floor(progress * 100 + 1e-9)}%`)

export function toneOf(verdict: Verdict): 'good' | 'warn' | 'bad' | 'soft' {
  if (verdict === 'present') return 'good'
  if (verdict === 'absent') return 'bad'
  return verdict === 'excused' || verdict === 'not-measured' ? 'soft' : 'warn'
}

export const kindWord = (kind: Kind): 'year.officer' | 'year.member' => (kind === 'officer' ? 'year.officer' : 'year.member')
