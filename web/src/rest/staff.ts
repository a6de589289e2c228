/** Whoever signs in, and what they did (docs/protocol.md §4). */

import { OURS } from './office'
import { json, request } from './problem'

export interface StaffMember {
  id: string
  name: string
  /** Empty: an operator. */
  branch: string
  created: string
}

/** By which a program reads attendance (docs/protocol.md §4). `token` is told once, where it is made. */
export interface Token {
  id: string
  name: string
  staff: string
  /** Empty: everything. */
  branch: string
  created: string | null
  expires: string | null
  used: string | null
  token?: string | null
}

/** What is left out stays. */
export interface StaffChange {
  name?: string
  branch?: string[]
  password?: string
}

/** `action` is a word of the table "audit.of.*". */
export interface Audited {
  number: number
  at: string
  name: string
  branch: string
  action: string
  lecture: string | null
  subject: string | null
  about: string | null
  detail: string
}

/** How many entries of the audit come at once. */
export const AUDITED = 200

/** No 0/O, 1/l/I: a password that is read aloud on the telephone once. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const LENGTH = 14

/** Drawn at random, each letter as likely as the others. */
export function drawPassword(): string {
  let drawn = ''
  while (drawn.length < LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
      if (byte < Math.floor(256 / LETTERS.length) * LETTERS.length && drawn.length < LENGTH) drawn += LETTERS[byte % LETTERS.length]
    }
  }
  return drawn
}

export const partsOf = (branch: string): string[] =>
  branch
    .split('/')
    .map((part) => part.trim())
    .filter(Boolean)

function change<T>(path: string, method: string, body: object): Promise<T> {
  return json<T>(path, { method, headers: { ...OURS, 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
}

const one = (id: string): string => `/api/staff/${encodeURIComponent(id)}`

export const staff = {
  all: () => json<StaffMember[]>('/api/staff'),
  create: (name: string, password: string, branch: string[]) => change<{ name: string }>('/api/staff', 'POST', { name, password, branch }),
  change: (id: string, said: StaffChange) => change<StaffMember>(one(id), 'PATCH', said),
  remove: (id: string) => request(one(id), { method: 'DELETE', headers: OURS }),
  audit: (before: number | null) =>
    json<Audited[]>(`/api/audit${before === null ? '' : `?${new URLSearchParams({ before: String(before) })}`}`),
}

export const tokens = {
  all: () => json<Token[]>('/api/tokens'),
  create: (name: string, owner: string, branch: string[], days: number) =>
    change<Token>('/api/tokens', 'POST', { name, staff: owner, branch, days }),
  revoke: (id: string) => request(`/api/tokens/${encodeURIComponent(id)}`, { method: 'DELETE', headers: OURS }),
}
