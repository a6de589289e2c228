/** Before the start nobody but the stage is sent what goes on there, and nothing counts. */

import { computed, type ComputedRef } from 'vue'
import type { LectureView } from '../channel/messages'
import type { RoomState } from '../channel/room'
import { useNow } from './now'

type Planned = Pick<LectureView, 'state' | 'starts'>

/** `now`: the service's time, ms. */
export function rehearses(lecture: Planned | null, now: number): boolean {
  if (lecture === null || lecture.starts === null) return false
  return (lecture.state === 'planned' || lecture.state === 'lobby') && now < Date.parse(lecture.starts)
}

/** `known`: what is known of the lecture before the room has said it. */
export function useRehearsal(room: RoomState, known: Planned | null = null): ComputedRef<boolean> {
  const now = useNow()
  return computed(() => rehearses(room.lecture ?? known, now.value + room.skew))
}
