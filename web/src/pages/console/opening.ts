/** Where the console opens: on the lecture that an organizer comes for. */

import type { LectureState } from '../../channel/messages'
import type { Lecture } from '../../rest/office'

/** In this order: what goes on now, what is about to. */
const NOW: readonly LectureState[] = ['live', 'interrupted', 'lobby']

/** The numbers of these move while one looks. */
export function goesOn(lecture: Pick<Lecture, 'state'>): boolean {
  return NOW.includes(lecture.state)
}

const starts = (lecture: Lecture): number => (lecture.starts === null ? 0 : Date.parse(lecture.starts))

/** The lecture that goes on (the one begun last where there are several), or the next one of today; null: the list. */
export function opening(lectures: readonly Lecture[], now: Date): string | null {
  for (const state of NOW) {
    const found = lectures.filter((one) => one.state === state).sort((a, b) => starts(b) - starts(a))[0]
    if (found) return found.id
  }
  const today = lectures.filter(
    (one) => one.state === 'planned' && one.starts !== null && new Date(one.starts).toDateString() === now.toDateString(),
  )
  return today.sort((a, b) => starts(a) - starts(b))[0]?.id ?? null
}
