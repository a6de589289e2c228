/** Keeps the screen on while a lecture is watched or given. */

import { onBeforeUnmount, onMounted, watch } from 'vue'

/** `wanted`: there is something to look at; where there is not, the screen follows the device's own settings. */
export function useWakeLock(wanted: () => boolean): void {
  let lock: WakeLockSentinel | null = null
  let gone = false

  async function ask(): Promise<void> {
    if (gone || !wanted() || document.visibilityState !== 'visible' || (lock !== null && !lock.released)) return
    // Not supported, or the battery is low: the device's own settings too.
    lock = (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null
    if (gone || !wanted()) letGo()
  }

  function letGo(): void {
    void lock?.release()
    lock = null
  }

  const shown = (): void => void ask()
  watch(wanted, (now) => (now ? void ask() : letGo()))
  onMounted(() => {
    document.addEventListener('visibilitychange', shown)
    void ask()
  })
  onBeforeUnmount(() => {
    gone = true
    document.removeEventListener('visibilitychange', shown)
    letGo()
  })
}
