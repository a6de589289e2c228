/** The roster as organizers keep it (docs/protocol.md §4): files looked at, taken and taken back; people, the tree. */

import type { Role } from './join'
import { OURS, one } from './office'
import { json, request } from './problem'

export interface RefusedRow {
  line: number
  reason: string
  name: string
}

/** `field`: "branch", "phone", "city", "left" (comes back), or a heading of the file. */
export interface Difference {
  field: string
  old: string | null
  new: string | null
}

export interface PreviewedRow {
  line: number
  name: string
  branch: string
  phone: string | null
  city: string | null
  differs: Difference[]
}

export interface ImportPreview {
  digest: string
  people: number
  added: number
  changed: number
  unchanged: number
  refusals: number
  /** The first of them, as of all lists below. */
  refused: RefusedRow[]
  new: PreviewedRow[]
  changes: PreviewedRow[]
  same: PreviewedRow[]
  /** Who is in the branches that the file covers, and not in it. */
  missing: number
  lacking: PreviewedRow[]
  /** Whose role in the lecture the file changes: their links end. */
  turned: { line: number; name: string; was: Role; role: Role }[]
  /** Headings of columns that are none of ours, kept with each person. */
  kept: string[]
  /** Sentences about what is cut or left out. */
  notes: string[]
}

export interface ImportResult {
  added: number
  changed: number
  unchanged: number
  left: number
  refusals: number
  refused: RefusedRow[]
  change: string | null
}

export interface Person {
  id: string
  name: string
  /** Empty: in none (a lecturer, a guest). */
  branch: string
  phone: string | null
  city: string | null
  extra: Record<string, string>
  left: string | null
  /** One of a branch's officers: by what the roster says, or by hand. */
  officer: boolean
}

export type What = 'import' | 'invite' | 'move' | 'leave' | 'return' | 'rename' | 'merge' | 'officer'

export interface Past {
  at: string
  /** Null: the command line; empty: somebody who is staff no more. */
  by: string | null
  what: What
  file: string
  branch: string
  was: string | null
  undone: string | null
}

export interface PersonInFull extends Person {
  history: Past[]
  lectures: { lecture: string; role: Role }[]
}

export interface RosterChange {
  id: string
  at: string
  by: string | null
  what: What
  file: string
  lecture: string | null
  branch: string
  added: number
  changed: number
  people: number
  names: string[]
  undone: string | null
}

/** Counted are those directly in it. */
export interface Branch {
  branch: string
  members: number
  left: number
}

export interface ToInvite {
  count: number
  branches: { branch: string; count: number }[]
  names: string[]
}

interface Done {
  change: string
}

function send<T>(path: string, body?: File | object): Promise<T> {
  const file = body instanceof File
  const type = file ? 'application/octet-stream' : 'application/json'
  return json<T>(path, {
    method: 'POST',
    headers: { ...OURS, ...(body ? { 'Content-Type': type } : {}) },
    ...(body ? { body: file ? body : JSON.stringify(body) } : {}),
  })
}

const person = (id: string): string => `/api/roster/people/${encodeURIComponent(id)}`

/** A lecture's id, where a file is to invite to one. */
const to = (lecture: string | null): Record<string, string> => (lecture === null ? {} : { lecture })

export const roster = {
  preview: (lecture: string | null, file: File) =>
    send<ImportPreview>(`/api/roster/preview?${new URLSearchParams({ ...to(lecture), name: file.name })}`, file),
  take: (lecture: string | null, file: File, seen: string, leaving: boolean) =>
    send<ImportResult>(
      `/api/roster?${new URLSearchParams({ ...to(lecture), name: file.name, seen, ...(leaving ? { leaving: '1' } : {}) })}`,
      file,
    ),
  changes: () => json<RosterChange[]>('/api/roster/changes'),
  undo: (change: string) => send<{ removed: number; restored: number }>(`/api/roster/changes/${encodeURIComponent(change)}/undo`),
  toInvite: (lecture: string) => json<ToInvite>(`${one(lecture)}/invite`),
  inviteAll: (lecture: string) => send<{ invited: number; change: string | null }>(`${one(lecture)}/invite`),

  people: () => json<Person[]>('/api/roster/people'),
  person: (id: string) => json<PersonInFull>(person(id)),
  phone: (id: string) => json<{ phone: string | null }>(`${person(id)}/phone`),
  move: (id: string, branch: string) => send<Done>(`${person(id)}/move`, { branch }),
  leave: (id: string) => send<Done>(`${person(id)}/leave`),
  comeBack: (id: string) => send<Done>(`${person(id)}/return`),
  setOfficer: (id: string, officer: boolean) =>
    json<Done>(`${person(id)}/officer`, {
      method: 'PUT',
      headers: { ...OURS, 'Content-Type': 'application/json' },
      body: JSON.stringify({ officer }),
    }),
  erase: (id: string) => request(person(id), { method: 'DELETE', headers: OURS }),

  branches: () => json<Branch[]>('/api/branches'),
  rename: (branch: string, name: string) => send<Done>('/api/branches/rename', { branch, name }),
  merge: (branch: string, into: string) => send<Done>('/api/branches/merge', { branch, into }),
}
