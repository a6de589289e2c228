/** The service's clock, each second, for what counts down. */

import { onBeforeUnmount, ref, type Ref } from 'vue'

/** `skew`: the service's clock less this device's, ms. */
export function useNow(skew: () => number): Ref<number> {
  const now = ref(Date.now() + skew())
  const timer = setInterval(() => {
    now.value = Date.now() + skew()
  }, 1000)
  onBeforeUnmount(() => clearInterval(timer))
  return now
}
