/** Who is here: the personal ticket and what it opened. */

import type { LectureState } from '../channel/messages'
import { json } from './problem'

export type Role = 'member' | 'lecturer' | 'host' | 'guest'

/** What `POST /api/join` answers. */
export interface Entry {
  lecture: { id: string; title: string; starts: string | null; ends: string | null; state: LectureState }
  member: { id: string; name: string; branch: string }
  role: Role
  page: string
  /** Days after which names and words go; 0: when somebody erases them. */
  kept_days: number
}

const TICKET = 'ticket'
const ENTRY = 'entry'
const LONGEST = 512

/** Storage may be forbidden (private windows, in-app browsers): then the page works until it is reloaded. */
function attempt<T>(act: () => T): T | null {
  try {
    return act()
  } catch {
    return null
  }
}

/** The ticket of `/j#TICKET`, or null where the fragment holds none. */
export function ticketOf(fragment: string): string | null {
  const ticket = attempt(() => decodeURIComponent(fragment.replace(/^#/, '')))?.trim()
  return ticket && ticket.length <= LONGEST ? ticket : null
}

/** This tab's own ticket comes before the one that another tab of this browser left. */
export function storedTicket(): string | null {
  return attempt(() => sessionStorage.getItem(TICKET)) ?? attempt(() => localStorage.getItem(TICKET))
}

/** This tab came in with it, or was loaded again; another tab's is the last person's who sat here, perhaps. */
export function isThisTabs(ticket: string): boolean {
  return attempt(() => sessionStorage.getItem(TICKET)) === ticket
}

export function keep(ticket: string, entry: Entry): void {
  for (const storage of [() => sessionStorage, () => localStorage]) {
    attempt(() => {
      storage().setItem(TICKET, ticket)
      storage().setItem(ENTRY, JSON.stringify({ ticket, entry }))
    })
  }
}

/** What this ticket opened before, so that a reloaded page need not ask before it plays. */
export function remembered(ticket: string): Entry | null {
  for (const storage of [() => sessionStorage, () => localStorage]) {
    const kept = attempt(() => JSON.parse(storage().getItem(ENTRY) ?? 'null') as { ticket: string; entry: Entry } | null)
    if (kept?.ticket === ticket && kept.entry?.lecture?.id) return kept.entry
  }
  return null
}

export function forget(): void {
  for (const storage of [() => sessionStorage, () => localStorage]) {
    attempt(() => {
      storage().removeItem(TICKET)
      storage().removeItem(ENTRY)
    })
  }
}

export function join(ticket: string): Promise<Entry> {
  return json<Entry>('/api/join', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ticket }),
  })
}

/** A ticket for who has no link at hand. Raises `Refused`. */
export function byCode(code: string, name: string, digits: string): Promise<{ ticket: string }> {
  return json('/api/join/code', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code, name, digits }),
  })
}

/** Tells the organizers why somebody who was let in goes no further; whether it arrives makes no difference here. */
export function cannotPlay(ticket: string): void {
  const detail = navigator.userAgent.slice(0, 180)
  void fetch('/api/join/trouble', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ticket, cause: 'no-webrtc', detail }),
    keepalive: true,
  }).catch(() => undefined)
}

/** A random name that this browser keeps, so that a person's devices can be told apart. */
export function device(): string {
  const kept = attempt(() => localStorage.getItem('device'))
  if (kept && /^[\w-]{8,64}$/.test(kept)) return kept
  const bytes = crypto.getRandomValues(new Uint8Array(12))
  const fresh = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  attempt(() => localStorage.setItem('device', fresh))
  return fresh
}
