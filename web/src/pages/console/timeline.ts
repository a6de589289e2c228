/** One sentence for each thing that happened. */

import type { Deed, Happened } from '../../rest/evening'
import { minutes } from '../../words/times'
import { fill, t, tIf } from '../../words/words'

/** What has an end: until there is one it goes on. */
const LASTING: ReadonlySet<string> = new Set(['interrupted', 'outage', 'testimonial', 'poll'])
const TONES: Record<string, 'good' | 'bad'> = { started: 'good', interrupted: 'bad', outage: 'bad' }

export function toneOf(one: Happened): 'good' | 'bad' | '' {
  return TONES[one.kind] ?? ''
}

function person(name: string | null | undefined, branch: string | null | undefined): string {
  return [name, branch && `（${branch}）`].filter(Boolean).join('')
}

export function sentence(one: Happened): string {
  const kind = one.kind === 'testimonial' && !one.detail ? 'testimonial-untitled' : one.kind
  const detail = one.kind === 'outage' ? (tIf(`desk.outage.${one.detail ?? ''}`) ?? one.detail) : one.detail
  const text = fill(tIf(`desk.timeline.${kind}`) ?? kind, { who: person(one.name, one.branch), detail: detail ?? '' })
  const lasted = one.until
    ? t('desk.timeline.lasted', { time: minutes(Date.parse(one.until) - Date.parse(one.at)) })
    : LASTING.has(one.kind) && t('desk.timeline.lasted', { time: t('desk.timeline.goes-on') })
  return [text, lasted, one.by && t('desk.timeline.by', { name: one.by })].filter(Boolean).join(' ')
}

/** What somebody did, without who did it. */
export function deedSentence({ kind, name, branch, text }: Deed): string {
  const who = person(name, branch) || t('desk.deed-of.somebody')
  const said = kind === 'layout' ? (tIf(`desk.layout.${text ?? ''}`) ?? text) : text
  return fill(tIf(`desk.deed-of.${kind}`) ?? kind, { who, text: said ?? '' })
}
