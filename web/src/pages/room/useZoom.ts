/** Pinch, drag, double tap, wheel and keys over a picture; what they mean is in zoom.ts. */

import { computed, reactive, ref, watch, type ComputedRef } from 'vue'
import { CLOSE, moved, scaled, STEP, WHOLE, type Place, type Point, type View } from './zoom'

const DOUBLE_TAP = 300
/** Pixels: less is a tap, not a drag. */
const STILL = 10
const KEY_STEP = 60

export interface Zoom {
  zoomed: ComputedRef<boolean>
  whole(): void
  /** `+1` closer, `-1` back. */
  step(direction: number): void
  /** For `v-on` of the surface over the picture. */
  on: Record<string, (event: never) => void>
}

function place(surface: Element | null): Place & { left: number; top: number } {
  const box = surface?.getBoundingClientRect()
  return { width: box?.width ?? 1, height: box?.height ?? 1, left: box?.left ?? 0, top: box?.top ?? 0 }
}

/** From the middle of the surface. */
function point(event: MouseEvent, surface: Element): Point {
  const { left, top, width, height } = place(surface)
  return { x: event.clientX - left - width / 2, y: event.clientY - top - height / 2 }
}

/** `picture`: what is moved, inside a place of the same size. */
export function useZoom(picture: () => HTMLElement | null): Zoom {
  const view = ref<View>(WHOLE)
  const fingers = reactive(new Map<number, Point>())
  let tapped: { at: number; x: number; y: number } | null = null
  let travelled = 0

  const frame = (): Element | null => picture()?.parentElement ?? null

  watch(view, ({ scale, x, y }) => {
    const element = picture()
    if (element) element.style.transform = scale === 1 ? '' : `translate(${x}px, ${y}px) scale(${scale})`
  })

  const middle = (): Point => {
    const all = [...fingers.values()]
    return { x: all.reduce((sum, one) => sum + one.x, 0) / all.length, y: all.reduce((sum, one) => sum + one.y, 0) / all.length }
  }
  const spread = (): number => {
    const [one, other] = [...fingers.values()]
    return one && other ? Math.hypot(one.x - other.x, one.y - other.y) : 0
  }

  function down(event: PointerEvent): void {
    const surface = event.currentTarget as Element
    surface.setPointerCapture(event.pointerId)
    if (fingers.size === 0) travelled = 0
    fingers.set(event.pointerId, point(event, surface))
  }
  function move(event: PointerEvent): void {
    if (!fingers.has(event.pointerId)) return
    const surface = event.currentTarget as Element
    const [before, width] = [middle(), spread()]
    fingers.set(event.pointerId, point(event, surface))
    const [after, wider] = [middle(), spread()]
    const by = { x: after.x - before.x, y: after.y - before.y }
    travelled += Math.hypot(by.x, by.y) + Math.abs(wider - width)
    view.value = moved(view.value, by, place(surface))
    if (width > 0 && wider > 0) view.value = scaled(view.value, wider / width, after, place(surface))
  }
  function up(event: PointerEvent): void {
    const surface = event.currentTarget as Element
    if (!fingers.delete(event.pointerId) || fingers.size > 0 || travelled > STILL) return
    const at = point(event, surface)
    const again = tapped !== null && event.timeStamp - tapped.at < DOUBLE_TAP && Math.hypot(at.x - tapped.x, at.y - tapped.y) < 4 * STILL
    tapped = again ? null : { at: event.timeStamp, ...at }
    if (again) view.value = view.value.scale > 1 ? WHOLE : scaled(WHOLE, CLOSE, at, place(surface))
  }
  const lost = (event: PointerEvent): void => void fingers.delete(event.pointerId)
  function wheel(event: WheelEvent): void {
    event.preventDefault()
    const surface = event.currentTarget as Element
    view.value = scaled(view.value, event.deltaY < 0 ? 1.15 : 1 / 1.15, point(event, surface), place(surface))
  }
  const step = (direction: number): void => {
    view.value = scaled(view.value, direction > 0 ? STEP : 1 / STEP, { x: 0, y: 0 }, place(frame()))
  }
  const KEYS: Record<string, () => void> = {
    '+': () => step(1),
    '=': () => step(1),
    '-': () => step(-1),
    Escape: () => (view.value = WHOLE),
    ArrowLeft: () => (view.value = moved(view.value, { x: KEY_STEP, y: 0 }, place(frame()))),
    ArrowRight: () => (view.value = moved(view.value, { x: -KEY_STEP, y: 0 }, place(frame()))),
    ArrowUp: () => (view.value = moved(view.value, { x: 0, y: KEY_STEP }, place(frame()))),
    ArrowDown: () => (view.value = moved(view.value, { x: 0, y: -KEY_STEP }, place(frame()))),
  }
  function key(event: KeyboardEvent): void {
    const act = KEYS[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }

  return {
    zoomed: computed(() => view.value.scale > 1),
    whole: () => {
      view.value = WHOLE
    },
    step,
    on: { pointerdown: down, pointermove: move, pointerup: up, pointercancel: lost, wheel, keydown: key },
  }
}
