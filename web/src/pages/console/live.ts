/** The live list, sorted and filtered for the eye. */

import type { AudienceSeen, County } from '../../channel/messages'
import type { Live, LiveBranch, LiveCity, LiveCounted, LiveCounts, LiveMember } from '../../rest/office'

export type Show = 'all' | 'receiving' | 'connected' | 'missing' | 'excused' | 'together' | 'ever' | 'qualified' | 'trouble'

/** Whose members are shown: a branch with all below it, or (`exact`) those in the branch itself alone; or a city's. */
export interface Place {
  path: string
  exact: boolean
  /** Those who live there, of whatever branch; "": the roster does not say where. */
  city?: string
}

/** One line of the table of branches. `name` is the last part of the path; "" stands for the members in `path` itself. */
export interface Row extends Omit<LiveBranch, 'branch'> {
  name: string
  place: Place
  /** There are branches below it. */
  deeper: boolean
}

/** What the invited are made of: receiving, online without receiving, missing. */
export interface Figures {
  invited: number
  receiving: number
  idle: number
  missing: number
  excused: number
}

const SEPARATOR = ' / '

/** What the room said last where the page hears it, else what was asked for. */
export function figures(audience: AudienceSeen | null, live: LiveCounts | null): Figures | null {
  const said = audience ?? live
  return said && { invited: said.invited, receiving: said.receiving, idle: idle(said), missing: said.missing, excused: said.excused }
}

/** Here, and no media reaches them. */
export function idle(counted: { invited: number; receiving: number; missing: number; excused: number }): number {
  return Math.max(0, counted.invited - counted.receiving - counted.missing - counted.excused)
}

/** What is known with what changed since. */
export function merged(known: Live | null, told: Live): Live {
  const dated = told.members.map((member) => ({ ...member, counted: told.counted_seconds }))
  if (told.whole || known === null) return { ...told, members: dated }
  return {
    ...told,
    branches: replaced(known.branches, told.branches, (one) => one.branch),
    cities: replaced(known.cities, told.cities, (one) => one.city ?? ''),
    members: replaced(known.members, dated, (one) => one.id),
  }
}

function replaced<T>(known: T[], told: readonly T[], key: (one: T) => string): T[] {
  if (told.length === 0) return known
  const changed = new Map(told.map((one) => [key(one), one]))
  const kept = known.map((one) => changed.get(key(one)) ?? one)
  const names = new Set(known.map(key))
  return [...kept, ...told.filter((one) => !names.has(key(one)))]
}

/** Seconds credited by now; null: not measured. `counted`: the lecture's, as told last. */
export function creditedOf(member: LiveMember, counted: number | null): number | null {
  if (member.credited_seconds === null || !member.receiving || counted === null) return member.credited_seconds
  return member.credited_seconds + Math.max(0, counted - (member.counted ?? counted))
}

/** Share of the invited whom media reaches, 0 to 1; a branch without invited is complete. */
export function share(branch: { invited: number; receiving: number }): number {
  return branch.invited === 0 ? 1 : branch.receiving / branch.invited
}

/** Worst first: the smallest share, then the most missing, then by name. */
export function worstFirst<T extends LiveCounted & { name: string }>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => share(a) - share(b) || b.missing - a.missing || a.name.localeCompare(b.name, 'zh'))
}

export function within(path: string, place: Place): boolean {
  if (path === place.path) return true
  return !place.exact && (place.path === '' || path.startsWith(place.path + SEPARATOR))
}

/** The branches right below `scope`, each with all below it. */
export function below(branches: readonly LiveBranch[], scope: string): Row[] {
  const rows = new Map<string, Row>()
  for (const one of branches) {
    if (!within(one.branch, { path: scope, exact: false })) continue
    const rest = one.branch === scope ? '' : scope === '' ? one.branch : one.branch.slice(scope.length + SEPARATOR.length)
    const name = rest.split(SEPARATOR, 1)[0] ?? ''
    const path = name === '' ? scope : scope === '' ? name : scope + SEPARATOR + name
    const known = rows.get(name) ?? {
      name,
      place: { path, exact: name === '' },
      deeper: false,
      invited: 0,
      connected: 0,
      receiving: 0,
      missing: 0,
      excused: 0,
      ever: 0,
      qualified: 0,
    }
    rows.set(name, {
      ...known,
      deeper: known.deeper || rest !== name,
      invited: known.invited + one.invited,
      connected: known.connected + one.connected,
      receiving: known.receiving + one.receiving,
      missing: known.missing + one.missing,
      excused: known.excused + one.excused,
      ever: known.ever + one.ever,
      qualified: known.qualified + one.qualified,
    })
  }
  return [...rows.values()]
}

/** A line for each city where people live. */
export function byCity(cities: readonly LiveCity[]): Row[] {
  return cities.map(({ city, ...counted }) => ({
    ...counted,
    name: city ?? '',
    place: { path: '', exact: false, city: city ?? '' },
    deeper: false,
  }))
}

/** Rows with what the room says of them now. */
export function fresher(rows: readonly Row[], counties: readonly County[]): Row[] {
  const said = new Map(counties.map((county) => [county.branch, county]))
  return rows.map((row) => ({ ...row, ...pick(said.get(row.name)) }))
}

function pick(county: County | undefined): Partial<Row> {
  if (!county) return {}
  const { invited, connected, receiving, missing, excused } = county
  return { invited, connected, receiving, missing, excused }
}

/** From `scope` (excluded) down to `path`: each branch by its whole path. */
export function trail(path: string, scope: string): { name: string; path: string }[] {
  if (path === scope || !within(path, { path: scope, exact: false })) return []
  const rest = scope === '' ? path : path.slice(scope.length + SEPARATOR.length)
  const parts = rest.split(SEPARATOR)
  return parts.map((name, at) => ({
    name,
    path: [...(scope === '' ? [] : [scope]), ...parts.slice(0, at + 1)].join(SEPARATOR),
  }))
}

function lives(member: { branch: string; city: string | null }, place: Place): boolean {
  return place.city === undefined ? within(member.branch, place) : (member.city ?? '') === place.city
}

/** Neither online nor before a site's screen. */
function away(member: LiveMember): boolean {
  return !member.connected && !member.receiving && !member.together
}

const SHOWN: Record<Show, (member: LiveMember) => boolean> = {
  all: () => true,
  receiving: (member) => member.receiving,
  connected: (member) => !member.receiving && !away(member),
  missing: (member) => away(member) && member.leave === null,
  excused: (member) => away(member) && member.leave !== null,
  together: (member) => member.together,
  ever: (member) => member.first_join !== null,
  qualified: (member) => member.qualified === true,
  trouble: (member) => member.trouble !== null,
}

export function counts(members: readonly LiveMember[]): Record<Show, number> {
  const found: Record<Show, number> = { all: 0, receiving: 0, connected: 0, missing: 0, excused: 0, together: 0, ever: 0, qualified: 0, trouble: 0 }
  for (const member of members)
    for (const show of Object.keys(SHOWN) as Show[]) if (SHOWN[show](member)) found[show] += 1
  return found
}

/** `search`: parts of name, branch or phone, all of which must be found. */
export function filtered(
  members: readonly LiveMember[],
  show: Show,
  search: string,
  place: Place | null,
): LiveMember[] {
  const parts = search.trim().toLowerCase().split(/\s+/).filter(Boolean)
  return members.filter((member) => {
    if (!SHOWN[show](member) || (place !== null && !lives(member, place))) return false
    const text = `${member.name} ${member.branch} ${member.phone ?? ''} ${member.city ?? ''}`.toLowerCase()
    return parts.every((part) => text.includes(part))
  })
}

/** Every branch there is from `scope` down, in order, for choosing one. */
export function places(branches: readonly { branch: string }[], scope: string): { path: string; name: string; depth: number }[] {
  const found = new Map<string, { path: string; name: string; depth: number }>([[scope, { path: scope, name: '', depth: 0 }]])
  for (const { branch } of branches)
    for (const [depth, step] of trail(branch, scope).entries()) found.set(step.path, { ...step, depth: depth + 1 })
  return [...found.values()].sort((a, b) => a.path.localeCompare(b.path, 'zh'))
}
