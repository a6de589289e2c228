/**
 * What this person said and the room has not said back yet: lines, a question, votes. It is said again where the channel
 * opens anew, for the socket that took it may have been dead; the room knows by the key what it had already. What is
 * refused is said no more, and goes back to where it was written.
 */

import type { ClientMessage, SingleMessage } from './messages'

export interface Pending {
  key: string
  text: string
  /** The line that it answers. */
  reply: string | null
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
}

/** Lines that are kept. */
export const KEPT = 20

export function newUnsaid(): Unsaid {
  return { lines: [], asked: null, votes: {}, returned: null }
}

/** To be called with each message of this page before it is sent. */
export function note(unsaid: Unsaid, message: ClientMessage): void {
  if (message.type === 'chat' && message.key) {
    const line = { key: message.key, text: message.text, reply: message.reply ?? null }
    unsaid.lines = [...unsaid.lines, line].slice(-KEPT)
  } else if (message.type === 'ask' && message.key) {
    unsaid.asked = { key: message.key, text: message.text }
  } else if (message.type === 'vote') {
    unsaid.votes = { ...unsaid.votes, [message.poll]: [...message.choices] }
  }
}

/** The room said something: perhaps what this person had said, perhaps that it will not be said. */
export function hear(unsaid: Unsaid, message: SingleMessage): void {
  if (message.type === 'chat' && message.key !== null) settle(unsaid, message.key)
  else if (message.type === 'snapshot') for (const line of message.chat) settle(unsaid, line.key)
  else if (message.type === 'asked' && message.questions.some((one) => plain(one.text) === plain(unsaid.asked?.text))) unsaid.asked = null
  else if (message.type === 'voted') unsaid.votes = without(unsaid.votes, message.poll)
  else if (message.type === 'error' && message.key !== null) giveBack(unsaid, message.key)
}

/** What to say again, in order. A vote is cast again once: nothing would tell that it is refused. */
export function again(unsaid: Unsaid): ClientMessage[] {
  const votes = Object.entries(unsaid.votes).map(([poll, choices]): ClientMessage => ({ type: 'vote', poll, choices }))
  unsaid.votes = {}
  return [
    ...unsaid.lines.map((line): ClientMessage => ({ type: 'chat', ...line })),
    ...(unsaid.asked ? [{ type: 'ask', ...unsaid.asked } satisfies ClientMessage] : []),
    ...votes,
  ]
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
