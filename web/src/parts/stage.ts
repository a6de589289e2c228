/** The running order as whoever runs the stage reads it: what one tap on "next" will do, and who may be asked what. */

import type { OnStage, Part, RunningOrder, Testimonial } from '../channel/messages'
import { ticking } from '../words/times'
import { t, type Word } from '../words/words'

/** What `next` does now. */
export interface NextStep {
  act: 'swap' | 'call' | 'off' | 'wait' | 'absent' | 'done' | 'empty'
  /** Whom the act is about. */
  who: Testimonial | null
  /** Who is called at the same time. */
  after: Testimonial | null
}

const ON: ReadonlySet<Part> = new Set(['on', 'lost'])

const step = (act: NextStep['act'], who: Testimonial | null = null, after: Testimonial | null = null): NextStep => ({ act, who, after })

export function people(order: RunningOrder | null): Testimonial[] {
  return order === null ? [] : [...order.entries, ...order.others]
}

export function whoIsOn(order: RunningOrder | null): Testimonial | null {
  return people(order).find((one) => ON.has(one.part)) ?? null
}

/** Those who wait behind the stage; the first of them is seen and heard there. */
export function backstage(order: RunningOrder | null): Testimonial[] {
  return people(order).filter((one) => one.part === 'backstage')
}

/** What the room says that one tap does, in the order of what a person has to know first. */
export function nextStep(order: RunningOrder | null): NextStep {
  if (order === null) return step('empty')
  const all = people(order)
  const named = (member: string | null): Testimonial | null => all.find((one) => one.member === member) ?? null
  const { off, on, call, coming } = order.next
  if (on !== null) return step('swap', named(on), named(call))
  if (off !== null) return step('off', named(off), named(call))
  if (call !== null) return step('call', named(call))
  if (coming !== null) return step('wait', named(coming))
  const ahead = order.entries.find((one) => !one.done && one.part === 'off')
  if (ahead) return step('absent', ahead)
  return step(all.length === 0 ? 'empty' : 'done')
}

/** Whether a tap does anything now. */
export function isUseful({ act }: NextStep): boolean {
  return act === 'swap' || act === 'call' || act === 'off'
}

const SENTENCES: Record<NextStep['act'], Word> = {
  swap: 'board.next.swap',
  call: 'board.next.call',
  off: 'board.next.off',
  wait: 'board.next.waiting',
  absent: 'board.next.absent',
  done: 'board.next.none',
  empty: 'board.next.empty',
}

export function nextSentence({ act, who, after }: NextStep): string {
  if ((act === 'swap' || act === 'off') && after) return t(`board.next.${act}-call`, { name: who?.name ?? '', after: after.name })
  return t(SENTENCES[act], { name: who?.name ?? '' })
}

export type EntryAct = 'call' | 'cancel' | 'put-on' | 'take-off'

/** What may be asked of one person now, the likeliest first. */
export function actsOf(one: Testimonial): EntryAct[] {
  switch (one.part) {
    case 'off':
      return one.here ? ['call'] : []
    case 'called':
      return ['cancel']
    case 'checking':
      return ['cancel']
    case 'backstage':
      return ['put-on', 'take-off']
    default:
      return ['take-off']
  }
}

/** Of the minutes of whoever is on: enough, nearly over, over. */
export type Pressure = 'calm' | 'soon' | 'over'

export function pressure(leftMs: number): Pressure {
  if (leftMs < 0) return 'over'
  return leftMs < 60_000 ? 'soon' : 'calm'
}

/** The minutes of whoever is on: what is left, what is beyond, or (without a limit) since when. `now`: the service's. */
export function clockOf(on: OnStage, now: number): { tone: Pressure; word: string; time: string } {
  if (on.until === null) return { tone: 'calm', word: t('board.on.since'), time: ticking(now - Date.parse(on.since)) }
  const left = Date.parse(on.until) - now
  const tone = pressure(left)
  return { tone, word: t(tone === 'over' ? 'board.on.over' : 'board.on.left'), time: ticking(Math.abs(left)) }
}
