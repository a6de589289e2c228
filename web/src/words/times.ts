/** Times and durations as people read them, in this device's time zone. */

import { locale, t } from './words'

export function clock(moment: string | number | null): string {
  if (moment === null) return ''
  return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', hour12: false }).format(new Date(moment))
}

/** To the second: "19:42:05". */
export function toSecond(moment: string): string {
  return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }).format(new Date(moment))
}

export function day(moment: string | null): string {
  if (moment === null) return ''
  return new Intl.DateTimeFormat(locale(), { month: 'long', day: 'numeric', weekday: 'long' }).format(new Date(moment))
}

/** "2026年7月14日": for what lies further back than this year. */
export function dated(moment: string): string {
  return new Intl.DateTimeFormat(locale(), { year: 'numeric', month: 'long', day: 'numeric' }).format(new Date(moment))
}

/** "2026年7月14日", with the time of day where that matters. */
export function date(moment: string | null, timed = false): string {
  if (moment === null) return ''
  const when = new Date(moment)
  const form = new Intl.DateTimeFormat(locale(), { year: 'numeric', month: 'short', day: 'numeric' }).format(when)
  return timed ? `${form} ${clock(moment)}` : form
}

/** "7月14日星期二 19:30–21:00"; what is not known is left out. */
export function span(starts: string | null, ends: string | null): string {
  if (starts === null) return ''
  const from = `${day(starts)} ${clock(starts)}`
  return ends === null ? from : `${from}–${clock(ends)}`
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

/** Local time as a `datetime-local` field writes it. */
export function localTime(moment: Date): string {
  const today = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`
  return `${today}T${two(moment.getHours())}:${two(moment.getMinutes())}`
}
