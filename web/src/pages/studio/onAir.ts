/** Remembers, over a reload of this tab, that it was publishing. */

const KEY = 'on-air'

function attempt<T>(act: () => T): T | null {
  try {
    return act()
  } catch {
    return null
  }
}

export function rememberOnAir(lecture: string): void {
  attempt(() => sessionStorage.setItem(KEY, lecture))
}

export function forgetOnAir(): void {
  attempt(() => sessionStorage.removeItem(KEY))
}

export function wasOnAir(lecture: string): boolean {
  return attempt(() => sessionStorage.getItem(KEY)) === lecture
}
