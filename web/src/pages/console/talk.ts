/** What the console makes of what is said: polls to open, lists of words, order of questions. */

import type { OpenPoll, Poll, Question } from '../../channel/messages'

export const OPTIONS = 10
/** Seconds between two messages of a member; 0: as usual. */
export const SLOW: readonly number[] = [0, 10, 30, 60, 120]

const WORD = 40
const WORDS = 2000

/** Those that wait for an answer first, each kind in the order of asking. */
export function answeredLast(questions: readonly Question[]): Question[] {
  return [...questions].sort((a, b) => Number(a.state === 'answered') - Number(b.state === 'answered'))
}

/** Null where it is not a poll yet: no question, fewer than two options, or two that are the same. */
export function pollOf(question: string, options: readonly string[], multiple: boolean): OpenPoll | null {
  const named = options.map((one) => one.trim()).filter(Boolean)
  if (question.trim() === '' || named.length < 2 || new Set(named).size !== named.length) return null
  return { type: 'poll-open', question: question.trim(), options: named.slice(0, OPTIONS), multiple }
}

/** Whole percent of those who voted. */
export function portion(poll: Poll, option: number): number {
  return poll.voters === 0 ? 0 : Math.round((100 * (poll.results[option] ?? 0)) / poll.voters)
}

/** One word a line, or apart by commas; `left`: how many were too long, or too many. */
export function wordsOf(text: string): { kept: string[]; left: number } {
  const found = [...new Set(text.split(/[\n,，、;；]/).map((word) => word.trim()).filter(Boolean))]
  const kept = found.filter((word) => [...word].length <= WORD).slice(0, WORDS)
  return { kept, left: found.length - kept.length }
}

/** Ids count upwards. */
export function latestFirst(polls: readonly Poll[]): Poll[] {
  return [...polls].sort((a, b) => Number(b.id.slice(1)) - Number(a.id.slice(1)))
}
