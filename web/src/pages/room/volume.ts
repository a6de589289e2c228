/** How loud this person likes it, kept by the browser. */

const KEY = 'volume'

/** Above 0, up to 1. */
export function rememberedVolume(): number {
  try {
    const kept = Number(localStorage.getItem(KEY))
    return kept > 0 && kept <= 1 ? kept : 1
  } catch {
    return 1 // storage is refused
  }
}

export function rememberVolume(volume: number): void {
  try {
    localStorage.setItem(KEY, String(volume))
  } catch {
    // Then it holds for this page.
  }
}
