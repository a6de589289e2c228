/** "Next", for whoever runs the stage: one tap is one step, however often it is tapped and whoever else taps it. */

import { computed, ref, type ComputedRef } from 'vue'
import type { ClientMessage, RunningOrder } from '../channel/messages'
import type { RoomState } from '../channel/room'
import { useNow } from './now'
import { isUseful, nextSentence, nextStep } from './stage'

export interface NextTap {
  sentence: ComputedRef<string>
  able: ComputedRef<boolean>
  tap(): void
}

/** ms; where the room says nothing (the channel broke) the button is there again. */
const ANSWERED_WITHIN = 3_000

interface Tapped {
  order: RunningOrder | null
  problem: number
  at: number
}

/** The room does what the running order said that it would, and refuses it where by now it would be something else. */
export function useNext(room: RoomState, send: (message: ClientMessage) => void): NextTap {
  const now = useNow()
  const tapped = ref<Tapped | null>(null)
  const step = computed(() => nextStep(room.order))
  const refusals = (): number => room.problem?.number ?? 0
  const waits = computed(() => {
    const last = tapped.value
    return last !== null && last.order === room.order && last.problem === refusals() && now.value - last.at < ANSWERED_WITHIN
  })
  const able = computed(() => isUseful(step.value) && !waits.value)
  return {
    sentence: computed(() => nextSentence(step.value)),
    able,
    tap: () => {
      if (!able.value || room.order === null) return
      tapped.value = { order: room.order, problem: refusals(), at: Date.now() }
      send({ type: 'next', off: room.order.next.off, on: room.order.next.on })
    },
  }
}
