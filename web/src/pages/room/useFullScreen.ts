/** Full screen, and lying on its side where a phone can; iPhones know it for a <video> only. */

import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'

interface AppleVideo extends HTMLVideoElement {
  webkitEnterFullscreen?: () => void
}

type Turning = ScreenOrientation & { lock?: (to: string) => Promise<void> }

/** `large`: the <video> that an iPhone is to enlarge. */
export function useFullScreen(stage: () => HTMLElement | undefined, large: () => HTMLVideoElement | null): { full: Ref<boolean>; toggle(): Promise<void> } {
  const full = ref(false)

  async function toggle(): Promise<void> {
    if (document.fullscreenElement) {
      await document.exitFullscreen()
      return
    }
    const element = stage()
    if (typeof element?.requestFullscreen === 'function') {
      await element.requestFullscreen().catch(() => undefined)
      const orientation = screen.orientation as Turning | undefined
      await orientation?.lock?.('landscape').catch(() => undefined) // only phones can
      return
    }
    const video = large() as AppleVideo | null
    video?.webkitEnterFullscreen?.()
  }

  const follow = (): void => {
    full.value = document.fullscreenElement !== null
  }
  onMounted(() => document.addEventListener('fullscreenchange', follow))
  onBeforeUnmount(() => document.removeEventListener('fullscreenchange', follow))
  return { full, toggle }
}
