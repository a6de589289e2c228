import type { Uplink } from '../../rest/office'
import { grouped } from '../../words/times'

/** Beyond this share the next members, or the next key frame, may not fit. */
const TIGHT = 0.9

export function isTight({ used, limit }: Uplink): boolean {
  return limit > 0 && used > limit * TIGHT
}

/** Whole megabits; below ten with one digit more. */
export function megabits(bits: number): string {
  const mega = bits / 1_000_000
  return mega < 9.95 ? String(Number(mega.toFixed(1))) : grouped(Math.round(mega))
}
