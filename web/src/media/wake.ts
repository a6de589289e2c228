/** Keeps the screen on while a lecture is watched or given. */

import { onBeforeUnmount, onMounted } from 'vue'

export function useWakeLock(): void {
  let lock: WakeLockSentinel | null = null
  let gone = false

  async function ask(): Promise<void> {
    if (gone || document.visibilityState !== 'visible' || (lock !== null && !lock.released)) return
    // Not supported, or the battery is low: the screen then follows the device's own settings.
    lock = (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null
    if (gone) void lock?.release()
  }

  const shown = (): void => void ask()
  onMounted(() => {
    document.addEventListener('visibilitychange', shown)
    void ask()
  })
  onBeforeUnmount(() => {
    gone = true
    document.removeEventListener('visibilitychange', shown)
    void lock?.release()
  })
}
