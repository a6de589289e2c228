/**
 * What this person said and the room has not said back yet: lines, a question, votes. It is said again where the channel
 * opens anew, for the socket that took it may have been dead; the room knows by the key what it had already. Lines are
 * said again one after the other, no faster than the room lets one person write, and what is written meanwhile follows
 * them. What is refused is said no more, and goes back to where it was written.
 */

import type { ClientMessage, SingleMessage } from './messages'

export interface Pending {
  key: string
  text: string
  /** The line that it answers. */
  reply: string | null
  /** `waits`: for those before it and for the room's pace, to be said `again`. */
  state: 'said' | 'waits' | 'again'
}

export interface Returned {
  from: 'chat' | 'ask'
  text: string
  /** Grows, so that the same text comes back again. */
  number: number
}

export interface Unsaid {
  lines: Pending[]
  asked: { key: string; text: string } | null
  /** By poll. */
  votes: Record<string, number[]>
  /** What was refused last. */
  returned: Returned | null
  /** When a line was last said again; as the `now` of `next`. */
  againAt: number
}

/** Lines that are kept. */
export const KEPT = 20
/** ms between two lines that are said again: as fast as one person may write for long (classroom/room/chat.py). */
export const APART = 2_000
/** ms after which the next line waits no longer for word of the last: of one that it had already the room says none. */
const PATIENCE = 10_000
/** Refused for its time alone. */
const EARLY: ReadonlySet<string> = new Set(['chat-slow', 'chat-too-fast', 'chat-busy'])

export function newUnsaid(): Unsaid {
  return { lines: [], asked: null, votes: {}, returned: null, againAt: -Infinity }
}

/** To be called with each message of this page before it is sent. False: it waits behind others, and is not sent yet. */
export function note(unsaid: Unsaid, message: ClientMessage): boolean {
  if (message.type === 'chat' && message.key) {
    const state = unsaid.lines.some((line) => line.state !== 'said') ? 'waits' : 'said'
    unsaid.lines = [...unsaid.lines, { key: message.key, text: message.text, reply: message.reply ?? null, state } as const].slice(-KEPT)
    return state === 'said'
  } else if (message.type === 'ask' && message.key) {
    unsaid.asked = { key: message.key, text: message.text }
  } else if (message.type === 'vote') {
    unsaid.votes = { ...unsaid.votes, [message.poll]: [...message.choices] }
  }
  return true
}

/** The room said something: perhaps what this person had said, perhaps that it will not be said. */
export function hear(unsaid: Unsaid, message: SingleMessage): void {
  if (message.type === 'chat' && message.key !== null) settle(unsaid, message.key)
  else if (message.type === 'snapshot') for (const line of message.chat) settle(unsaid, line.key)
  else if (message.type === 'asked' && message.questions.some((one) => plain(one.text) === plain(unsaid.asked?.text))) unsaid.asked = null
  else if (message.type === 'voted') unsaid.votes = without(unsaid.votes, message.poll)
  else if (message.type === 'error' && message.key !== null) giveBack(unsaid, message.key)
}

/** The room refuses a line that was said again, for its time alone: nobody is to blame, and it waits for the next. */
export function postpone(unsaid: Unsaid, message: SingleMessage): boolean {
  if (message.type !== 'error' || !EARLY.has(message.reason)) return false
  const line = unsaid.lines.find((one) => one.key === message.key && one.state === 'again')
  if (line) line.state = 'waits'
  return line !== undefined
}

/** The channel opened anew: what to say again at once; lines are left to `next`. A vote is cast again once: nothing would
 * tell that it is refused. */
export function again(unsaid: Unsaid): ClientMessage[] {
  const votes = Object.entries(unsaid.votes).map(([poll, choices]): ClientMessage => ({ type: 'vote', poll, choices }))
  unsaid.votes = {}
  unsaid.lines = unsaid.lines.map((line) => ({ ...line, state: 'waits' }))
  return [...(unsaid.asked ? [{ type: 'ask', ...unsaid.asked } satisfies ClientMessage] : []), ...votes]
}

/** The line to be said again at `now` (ms), if there is one. `rest`: ms of slow mode until this person may say one. */
export function next(unsaid: Unsaid, rest: number, now: number): ClientMessage | null {
  const since = now - unsaid.againAt
  const busy = since < APART || (since < PATIENCE && unsaid.lines.some((one) => one.state === 'again'))
  const line = unsaid.lines.find((one) => one.state === 'waits')
  if (!line || rest > 0 || busy) return null
  line.state = 'again'
  unsaid.againAt = now
  const { key, text, reply } = line
  return { type: 'chat', text, key, reply }
}

function settle(unsaid: Unsaid, key: string | null): void {
  if (key !== null) unsaid.lines = unsaid.lines.filter((line) => line.key !== key)
}

function giveBack(unsaid: Unsaid, key: string): void {
  const number = (unsaid.returned?.number ?? 0) + 1
  const line = unsaid.lines.find((one) => one.key === key)
  if (line) {
    settle(unsaid, key)
    unsaid.returned = { from: 'chat', text: line.text, number }
  } else if (unsaid.asked?.key === key) {
    unsaid.returned = { from: 'ask', text: unsaid.asked.text, number }
    unsaid.asked = null
  }
}

/** Near enough to how the room shows a text; it tells one's own questions on every arrival, new or not. */
function plain(text = ''): string {
  return text.normalize('NFC').replace(/\s+/g, ' ').trim()
}

function without(votes: Record<string, number[]>, poll: string): Record<string, number[]> {
  return Object.fromEntries(Object.entries(votes).filter(([one]) => one !== poll))
}
