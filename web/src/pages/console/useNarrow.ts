/** Whether the page is as narrow as a phone's. */

import { onBeforeUnmount, ref, type Ref } from 'vue'

export function useNarrow(): Ref<boolean> {
  const asked = matchMedia('(max-width: 600px)')
  const narrow = ref(asked.matches)
  const follow = (): void => {
    narrow.value = asked.matches
  }
  asked.addEventListener('change', follow)
  onBeforeUnmount(() => asked.removeEventListener('change', follow))
  return narrow
}
