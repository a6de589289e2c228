/** How much of a picture is seen: scale and shift, in pixels from the middle of its place. Pure. */

export interface View {
  scale: number
  x: number
  y: number
}

export interface Place {
  width: number
  height: number
}

export interface Point {
  x: number
  y: number
}

export const WHOLE: View = { scale: 1, x: 0, y: 0 }
export const STEP = 1.5
/** What a double tap zooms to. */
export const CLOSE = 2.5
const LARGEST = 5
/** Below this it is meant to be the whole. */
const NEARLY_WHOLE = 1.05

/** Never smaller than the whole, and never shifted beyond the picture's edge. */
function within(view: View, place: Place): View {
  const scale = Math.min(LARGEST, Math.max(1, view.scale))
  if (scale < NEARLY_WHOLE) return WHOLE
  const most = (size: number): number => ((scale - 1) * size) / 2
  const hold = (shift: number, size: number): number => Math.min(most(size), Math.max(-most(size), shift))
  return { scale, x: hold(view.x, place.width), y: hold(view.y, place.height) }
}

export function moved(view: View, by: Point, place: Place): View {
  return within({ ...view, x: view.x + by.x, y: view.y + by.y }, place)
}

/** What lies under `at` (pixels from the middle) stays under it. */
export function scaled(view: View, factor: number, at: Point, place: Place): View {
  const scale = Math.min(LARGEST, Math.max(1, view.scale * factor))
  const by = scale / view.scale
  return within({ scale, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by }, place)
}
