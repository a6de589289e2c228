/** What an organizer asks of the service (docs/protocol.md §4). */

import type { LectureState } from '../channel/messages'
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

export interface ImportResult {
  added: number
  changed: number
  unchanged: number
  refused: { line: number; reason: string }[]
}

export interface Link {
  member: string
  name: string
  branch: string
  role: Role
  url: string
  ticket: string
}

export interface LiveBranch {
  branch: string
  invited: number
  receiving: number
  connected: number
  missing: number
}

export interface LiveMember {
  id: string
  name: string
  branch: string
  phone: string | null
  connected: boolean
  receiving: boolean
  first_join: string | null
  credited_seconds: number | null
  trouble: string | null
}

/** Bits a second that leave the relay, and that may; a limit of 0: none is set. */
export interface Uplink {
  used: number
  limit: number
}

export interface Live {
  now: string
  /** Null while the relay is away. */
  uplink: Uplink | null
  state: LectureState
  invited: number
  connected: number
  receiving: number
  missing: number
  branches: LiveBranch[]
  members: LiveMember[]
}

export type LiveCounts = Omit<Live, 'members' | 'branches'>

export interface Verified {
  rows: number
  ok: boolean
  bad_row: number | null
  reason: string | null
}

/** A form of another site cannot send this header. */
const OURS = { 'X-Requested-With': 'classroom' }
const one = (lecture: string): string => `/api/lectures/${encodeURIComponent(lecture)}`

function change<T>(path: string, body?: unknown, method = 'POST'): Promise<T> {
  return json<T>(path, {
    method,
    headers: { ...OURS, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

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

  importRoster: (lecture: string, file: File) =>
    json<ImportResult>(`/api/roster?${new URLSearchParams({ lecture, name: file.name })}`, {
      method: 'POST',
      headers: { ...OURS, 'Content-Type': 'application/octet-stream' },
      body: file,
    }),
  links: (id: string) => json<Link[]>(`${one(id)}/links`),
  renew: (id: string, member: string) => change<Link>(`${one(id)}/links/${encodeURIComponent(member)}/renew`),
  qr: (id: string, member: string) => `${one(id)}/links/${encodeURIComponent(member)}.svg`,
  sheet: (id: string) => `${one(id)}/links.html`,
  linksFile: (id: string) => `${one(id)}/links.xlsx`,

  live: (id: string, signal: AbortSignal) => json<Live>(`${one(id)}/live`, { signal }),
  liveCounts: (id: string) => json<LiveCounts>(`${one(id)}/live?only=counts`),
  attendance: (id: string, form: 'xlsx' | 'csv' | 'json') => `${one(id)}/attendance.${form}`,
  verify: (id: string) => json<Verified>(`${one(id)}/verify`),
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
