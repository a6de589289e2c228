/** How many objections wait for an answer: asked for now and then, and after each answer. */

import { onBeforeUnmount, ref, type Ref } from 'vue'
import { records } from '../../rest/records'

const EVERY = 30_000

export function useWaiting(lecture: string): { objections: Ref<number>; refresh: () => void } {
  const objections = ref(0)
  let timer: ReturnType<typeof setTimeout> | undefined
  let gone = false

  async function ask(): Promise<void> {
    clearTimeout(timer)
    try {
      objections.value = (await records.waiting(lecture)).length
    } catch {
      // The page says so where it asks for what it shows; a count can wait.
    }
    clearTimeout(timer)
    if (!gone) timer = setTimeout(() => void ask(), EVERY)
  }

  void ask()
  onBeforeUnmount(() => {
    gone = true
    clearTimeout(timer)
  })
  return { objections, refresh: () => void ask() }
}
