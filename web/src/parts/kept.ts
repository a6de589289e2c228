/** Small things that a tab finds again after a reload. Storage may be refused: then they last as long as the page. */

export function keptHere(key: string): string | null {
  try {
    return sessionStorage.getItem(key)
  } catch {
    return null
  }
}

export function keepHere(key: string, value: string): void {
  try {
    if (value === '') sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, value)
  } catch {
    // lasts as long as the page
  }
}

const SOUND_ONLY = 'sound-only'

/** Whether this person chose to hear without pictures. */
export const keptSoundOnly = (): boolean => keptHere(SOUND_ONLY) !== null
export const keepSoundOnly = (only: boolean): void => keepHere(SOUND_ONLY, only ? 'yes' : '')
