/** Watching together: the site's own page by its host's ticket, and the phones that scan its code. */

import type { LectureState } from '../channel/messages'
import { json, request } from './problem'

export type SiteState = 'planned' | 'open' | 'closed'

export interface SiteInfo {
  id: string
  place: string
  /** Path, parts joined with " / ". */
  branch: string
  host: string
  host_name: string
  state: SiteState
  opened: string | null
  closed: string | null
  /** What the host counted last. */
  heads: number | null
  /** How many are checked in. */
  present: number
  /** Its screen receives the lecture. */
  receiving: boolean
}

export interface SitePerson {
  id: string
  name: string
  branch: string
  /** The end of a number, where two have one name. */
  digits: string | null
  since: string | null
  how: 'search' | 'qr' | 'host' | null
}

export interface SiteRoom {
  info: SiteInfo
  title: string
  lecture_state: LectureState
  now: string
  receiving: boolean
  present: SitePerson[]
  /** The address that the code on the screen holds until `code_until`. */
  code: string | null
  code_until: string
}

export interface Scanned {
  pass: string
  place: string
  branch: string
  lecture: { id: string; title: string }
}

export interface CheckedIn {
  member: { id: string; name: string; branch: string }
  place: string
  ticket: string
}

/** What of a site a host does; all raise `Refused`. */
export interface HostDesk {
  room(): Promise<SiteRoom>
  /** The code as an address for an image; to be given back by `URL.revokeObjectURL`. */
  picture(): Promise<string>
  candidates(): Promise<SitePerson[]>
  open(): Promise<unknown>
  close(): Promise<unknown>
  screen(session: string): Promise<unknown>
  count(heads: number): Promise<unknown>
  arrive(member: string): Promise<unknown>
  depart(member: string): Promise<unknown>
}

const at = (path: string): string => `/api/site${path}`
const person = (member: string): string => `/people/${encodeURIComponent(member)}`

export function hostDesk(ticket: string): HostDesk {
  const headers = { Authorization: `Bearer ${ticket}` }
  const act = (method: string, path: string, body?: unknown): Promise<unknown> =>
    request(at(path), {
      method,
      headers: body === undefined ? headers : { ...headers, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    room: () => json<SiteRoom>(at(''), { headers }),
    picture: async () => URL.createObjectURL(await (await request(at('/code.svg'), { headers })).blob()),
    candidates: () => json<SitePerson[]>(at('/candidates'), { headers }),
    open: () => act('POST', '/open'),
    close: () => act('POST', '/close'),
    screen: (session) => act('PUT', '/screen', { session }),
    count: (heads) => act('PUT', '/heads', { heads }),
    arrive: (member) => act('PUT', person(member)),
    depart: (member) => act('DELETE', person(member)),
  }
}

function post<T>(path: string, body: unknown): Promise<T> {
  return json<T>(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
}

/** The two parts of `/s#SITE.CODE`; null where the address holds none. */
export function scannedOf(fragment: string): { site: string; code: string } | null {
  const [, site, code] = /^#?([\w-]{1,32})\.([\w=-]{1,32})$/.exec(fragment) ?? []
  return site && code ? { site, code } : null
}

export const phone = {
  scan: (site: string, code: string) => post<Scanned>('/api/site/scan', { site, code }),
  comeBy: (site: string, pass: string, ticket: string) => post<CheckedIn>('/api/site/check-in', { site, pass, ticket }),
  comeAs: (site: string, pass: string, name: string, digits: string) =>
    post<CheckedIn>('/api/site/check-in', { site, pass, name, digits }),
  leave: (ticket: string) =>
    request('/api/site/leave', { method: 'POST', headers: { Authorization: `Bearer ${ticket}` } }),
}

/** Those whose name or branch holds every part of the text, who are not there yet first. */
export function candidatesFor(people: readonly SitePerson[], text: string, present: ReadonlySet<string>): SitePerson[] {
  const parts = text.trim().toLowerCase().split(/\s+/).filter(Boolean)
  const found = people.filter((one) => parts.every((part) => `${one.name} ${one.branch} ${one.digits ?? ''}`.toLowerCase().includes(part)))
  return found.sort((a, b) => Number(present.has(a.id)) - Number(present.has(b.id)))
}
