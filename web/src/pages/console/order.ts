/** The running order while it is being written. */

import type { Planned } from '../../rest/evening'

export const LENGTH = 50
export const MINUTES = 5
const LONGEST = 120

export type Fault = 'name' | 'minutes' | 'long'

export function blank(): Planned {
  return { id: null, member: null, name: '', branch: '', title: '', minutes: MINUTES }
}

export function moved(entries: readonly Planned[], from: number, to: number): Planned[] {
  if (from === to || from < 0 || to < 0 || from >= entries.length || to >= entries.length) return [...entries]
  const left = [...entries]
  const [one] = left.splice(from, 1)
  if (one) left.splice(to, 0, one)
  return left
}

/** A line in which nothing is written is left out, not complained of. */
export function written(entries: readonly Planned[]): Planned[] {
  return entries.filter((one) => one.id !== null || `${one.name}${one.branch}${one.title}`.trim() !== '')
}

/** What is wrong with a line; null: nothing. */
export function fault(one: Planned): Fault | null {
  if (written([one]).length === 0) return null
  if (one.name.trim() === '') return 'name'
  if (!Number.isInteger(one.minutes) || one.minutes < 1 || one.minutes > LONGEST) return 'minutes'
  return one.name.length > 64 || one.title.length > 100 || one.branch.length > 200 ? 'long' : null
}

/** "12 + 5 + 8": when the last one would be done, from the start. */
export function total(entries: readonly Planned[]): number {
  return written(entries).reduce((sum, one) => sum + (Number.isInteger(one.minutes) ? one.minutes : 0), 0)
}

export function same(a: readonly Planned[], b: readonly Planned[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
