/** Which of many rows of one height a scrolled box shows: only these are in the document. */

import { computed, onBeforeUnmount, onMounted, ref, type ComputedRef, type Ref } from 'vue'

const MORE = 8

export interface Window {
  first: ComputedRef<number>
  last: ComputedRef<number>
  /** Pixels above and below what is shown. */
  above: ComputedRef<number>
  below: ComputedRef<number>
  toTop(): void
}

/** `height` of a row in pixels. */
export function useWindow(box: Ref<HTMLElement | undefined>, count: () => number, height: () => number): Window {
  const top = ref(0)
  const tall = ref(600)
  const look = (): void => {
    top.value = box.value?.scrollTop ?? 0
    tall.value = box.value?.clientHeight ?? 600
  }
  let seen: ResizeObserver | undefined
  onMounted(() => {
    box.value?.addEventListener('scroll', look, { passive: true })
    seen = new ResizeObserver(look)
    if (box.value) seen.observe(box.value)
    look()
  })
  onBeforeUnmount(() => seen?.disconnect())
  const first = computed(() => Math.max(0, Math.min(Math.floor(top.value / height()) - MORE, count())))
  const last = computed(() => Math.min(count(), Math.ceil((top.value + tall.value) / height()) + MORE))
  return {
    first,
    last,
    above: computed(() => first.value * height()),
    below: computed(() => (count() - last.value) * height()),
    toTop: () => box.value?.scrollTo({ top: 0 }),
  }
}
