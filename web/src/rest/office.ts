/** What an organizer asks of the service (docs/protocol.md §4). */

import type { SiteInfo, SiteRoom } from './site'
import type { LectureState } from '../channel/messages'
import { language } from '../words/words'
import type { Role } from './join'
import { json, request } from './problem'

export interface Staff {
  name: string
  /** Path of the branch, parts joined with " / "; empty: the whole city, an operator. */
  branch: string
}

export interface Lecture {
  id: string
  title: string
  starts: string | null
  ends: string | null
  state: LectureState
  invited: number
}

export interface Link {
  member: string
  name: string
  branch: string
  role: Role
  url: string
  ticket: string
}

/** `ever`: media reached them at some time; `qualified`: by the rule, if it ended now. */
export interface LiveCounted {
  invited: number
  receiving: number
  connected: number
  missing: number
  excused: number
  ever: number
  qualified: number
}

export interface LiveBranch extends LiveCounted {
  branch: string
}

/** Null: the roster does not say where they live. */
export interface LiveCity extends LiveCounted {
  city: string | null
}

export interface LiveMember {
  id: string
  name: string
  branch: string
  phone: string | null
  city: string | null
  connected: boolean
  receiving: boolean
  first_join: string | null
  /** As of the answer that this line came with; of who receives it grows with the lecture's own (`minutesOf`). */
  credited_seconds: number | null
  qualified: boolean | null
  trouble: string | null
  /** What they are excused for, where they have leave. */
  leave: 'duty' | 'illness' | 'personal' | 'other' | null
  /** Checked in at a site; `receiving` is then what its screen does. */
  together: boolean
  /** The lecture's counted seconds when this line came. */
  counted?: number | null
}

/** Bits a second that leave the relay, and that may; a limit of 0: none is set. */
export interface Uplink {
  used: number
  limit: number
}

export interface LiveCounts extends LiveCounted {
  now: string
  state: LectureState
  /** When the lecture was first live. */
  started: string | null
  /** Of the lecture, so far; null before it is live. */
  counted_seconds: number | null
  /** Null while the relay is away. */
  uplink: Uplink | null
}

export interface Live extends LiveCounts {
  /** To go on from. */
  token: string
  /** These are all lines; otherwise those that changed. */
  whole: boolean
  branches: LiveBranch[]
  cities: LiveCity[]
  members: LiveMember[]
}

export interface Verified {
  rows: number
  ok: boolean
  bad_row: number | null
  reason: string | null
}

/** An export that came back, held against the ledger. `identical`: byte for byte what would be exported again. */
export interface CheckedFile {
  lecture: string
  title: string
  row: number
  signed_at: string | null
  rule: number
  scope: string
  ok: boolean
  identical: boolean
  against: string[]
  notes: string[]
}

/** `gb18030`: a CSV for programs that know no other letters. */
export const FORMS = ['xlsx', 'csv', 'gb18030', 'json'] as const
export type Form = (typeof FORMS)[number]

/** A form of another site cannot send this header. */
export const OURS = { 'X-Requested-With': 'classroom' }
export const one = (lecture: string): string => `/api/lectures/${encodeURIComponent(lecture)}`

function change<T>(path: string, body?: unknown, method = 'POST'): Promise<T> {
  return json<T>(path, {
    method,
    headers: { ...OURS, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

const at = (lecture: string, site: string): string => `${one(lecture)}/sites/${encodeURIComponent(site)}`
const act = (method: string, path: string): Promise<Response> => request(path, { method, headers: OURS })

export const office = {
  me: () => json<Staff>('/api/session'),
  signIn: (name: string, password: string) => change<Staff>('/api/session', { name, password }),
  signOut: () => request('/api/session', { method: 'DELETE', headers: OURS }),

  lectures: () => json<Lecture[]>('/api/lectures'),
  lecture: (id: string) => json<Lecture>(one(id)),
  create: (title: string, starts: string | null, ends: string | null) =>
    change<Lecture>('/api/lectures', { title, starts, ends }),
  start: (id: string) => change<Lecture>(`${one(id)}/start`),
  end: (id: string) => change<Lecture>(`${one(id)}/end`),

  code: (id: string) => json<{ code: string }>(`${one(id)}/code`),
  links: (id: string) => json<Link[]>(`${one(id)}/links`),
  renew: (id: string, member: string) => change<Link>(`${one(id)}/links/${encodeURIComponent(member)}/renew`),
  qr: (id: string, member: string) => `${one(id)}/links/${encodeURIComponent(member)}.svg`,
  sheet: (id: string) => `${one(id)}/links.html`,
  linksFile: (id: string) => `${one(id)}/links.xlsx`,

  sites: (id: string) => json<SiteInfo[]>(`${one(id)}/sites`),
  site: (id: string, site: string) => json<SiteRoom>(at(id, site)),
  siteLink: (id: string, site: string) => json<{ url: string }>(`${at(id, site)}/link`),
  createSite: (id: string, place: string, branch: string[], host: string) =>
    change<SiteInfo>(`${one(id)}/sites`, { place, branch, host }),
  moveSite: (id: string, site: string, deed: 'open' | 'close') => act('POST', `${at(id, site)}/${deed}`),
  removeSite: (id: string, site: string) => act('DELETE', at(id, site)),
  departSite: (id: string, site: string, member: string) =>
    act('DELETE', `${at(id, site)}/people/${encodeURIComponent(member)}`),

  live: (id: string, since: string, signal: AbortSignal) =>
    json<Live>(`${one(id)}/live?${new URLSearchParams({ since })}`, { signal }),
  liveCounts: (id: string, signal?: AbortSignal) => json<LiveCounts>(`${one(id)}/live?only=counts`, { signal }),
  attendance: (id: string, form: Form, scope: string) =>
    form === 'gb18030'
      ? `${one(id)}/attendance.csv?${new URLSearchParams({ scope, encoding: form })}`
      : `${one(id)}/attendance.${form}?${new URLSearchParams({ scope })}`,
  /** A page to print: A4, no script. */
  summary: (id: string, scope: string) => `${one(id)}/attendance.html?${new URLSearchParams({ scope, lang: language.value })}`,
  verify: (id: string) => json<Verified>(`${one(id)}/verify`),
  checkFile: (file: File) =>
    json<CheckedFile>(`/api/attendance/verify?${new URLSearchParams({ name: file.name })}`, {
      method: 'POST',
      headers: { ...OURS, 'Content-Type': 'application/octet-stream' },
      body: file,
    }),
}

/** Fetches a file in the page's language and hands it to the browser. Raises `Refused`. */
export async function download(path: string, name: string): Promise<void> {
  const response = await request(path)
  const url = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  link.href = url
  link.download = nameOf(response.headers.get('Content-Disposition')) ?? name
  document.body.append(link)
  link.click()
  link.remove()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** The file's name as the service gives it (RFC 6266, with RFC 8187 for other scripts). */
export function nameOf(disposition: string | null): string | null {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? '')?.[1]
  if (encoded) {
    try {
      return decodeURIComponent(encoded)
    } catch {
      return null
    }
  }
  return /filename="([^"]+)"/i.exec(disposition ?? '')?.[1] ?? null
}
