/**
 * Times and durations as people read them. Clocks are China's wherever the device is, as they are in the service's own
 * sentences and exports; where the device's differs, `zone` says so.
 */

import { locale, t } from './words'

const ZONE = 'Asia/Shanghai'
/** Of China, all year round. */
const AHEAD = 8 * 3_600_000

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale(), { ...options, timeZone: ZONE })
}

/** Whose time the clocks are, for somebody whose device's clock says another; else nothing. */
export function zone(): string {
  return new Date().getTimezoneOffset() * -60_000 === AHEAD ? '' : t('time.zone')
}

export function clock(moment: string | number | null): string {
  if (moment === null) return ''
  return format({ hour: '2-digit', minute: '2-digit', hour12: false }).format(new Date(moment))
}

/** To the second: "19:42:05". */
export function toSecond(moment: string | number): string {
  return format({ hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }).format(new Date(moment))
}

export function day(moment: string | null): string {
  if (moment === null) return ''
  return format({ month: 'long', day: 'numeric', weekday: 'long' }).format(new Date(moment))
}

/** "2026年7月14日": for what lies further back than this year. */
export function dated(moment: string): string {
  return format({ year: 'numeric', month: 'long', day: 'numeric' }).format(new Date(moment))
}

/** "2026年7月14日", with the time of day where that matters. */
export function date(moment: string | null, timed = false): string {
  if (moment === null) return ''
  const when = new Date(moment)
  const form = format({ year: 'numeric', month: 'short', day: 'numeric' }).format(when)
  return timed ? `${form} ${clock(moment)}` : form
}

/** "7月14日 19:42": of what is told days later. */
export function dayTime(moment: string): string {
  return format({ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false }).format(new Date(moment))
}

/** "7月14日星期二 19:30–21:00", and whose time that is where it needs saying; what is not known is left out. */
export function span(starts: string | null, ends: string | null): string {
  if (starts === null) return ''
  const from = `${day(starts)} ${clock(starts)}`
  return [ends === null ? from : `${from}–${clock(ends)}`, zone()].filter(Boolean).join(' ')
}

/** Whole minutes as a running clock shows them (downwards); seconds below one minute. */
export function minutes(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000)
  if (seconds < 60) return t('time.seconds', { n: seconds })
  const whole = Math.floor(seconds / 60)
  if (whole < 60) return t('time.minutes', { n: whole })
  return t('time.hours', { h: Math.floor(whole / 60), m: whole % 60 })
}

const two = (n: number): string => String(n).padStart(2, '0')

/** "01:02:03", "02:03": for what counts down or runs. */
export function ticking(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const tail = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`
  return seconds >= 3600 ? `${two(Math.floor(seconds / 3600))}:${tail}` : tail
}

export function grouped(count: number): string {
  return new Intl.NumberFormat(locale()).format(count)
}

/** As a `datetime-local` field writes it, "2026-11-23T19:30". */
export function inField(moment: number): string {
  return new Date(moment + AHEAD).toISOString().slice(0, 16)
}

/** The instant that such a field names. */
export function ofField(written: string): number {
  return Date.parse(`${written}Z`) - AHEAD
}
