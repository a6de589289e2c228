/** One member's evening in words: what was seen of them and by which evidence, in order, with what lies between. */

import type { Evening, Session, Span } from '../../rest/report'
import { minutes, toSecond } from '../../words/times'
import { t, tIf } from '../../words/words'

/** `tone` names the kind of step; `more` says what it rests on, or is empty. */
export interface Step {
  at: string
  tone: string
  text: string
  more: string
}

export function stepsOf(evening: Evening): Step[] {
  const found = [
    ...evening.sessions.filter((one) => one.kind !== 'visible').map(ofSession),
    ...evening.bridged.map((one) => ({ at: one.from, tone: 'bridged', text: `${between(one)} ${t('evening.bridged')}`, more: t('evening.bridged-help') })),
    ...evening.gaps.map((one) => ({ at: one.from, tone: 'gap', text: `${between(one)} ${t(one.connected ? 'evening.gap-connected' : 'evening.gap')}`, more: '' })),
    ...evening.outages.map((one) => ({ at: one.from, tone: 'outage', text: `${between(one)} ${t('evening.outage')}`, more: tIf(`desk.outage.${one.cause}`) ?? one.cause })),
    ...evening.silent.map((one) => ({ at: one.from, tone: 'silent', text: `${between(one)} ${t('evening.silent')}`, more: '' })),
    ...evening.sign_ins.map((one) => ({ at: one.at, tone: one.answered ? 'signed' : 'unsigned', text: `${toSecond(one.at)} ${one.answered ? t('evening.signed', { time: toSecond(one.answered) }) : t('evening.unsigned')}`, more: '' })),
    ...evening.failures.map((one) => ({ at: one.at, tone: 'failed', text: `${toSecond(one.at)} ${t('evening.failed', { cause: causeOf(one.cause) })}`, more: one.detail })),
  ]
  return found.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

function ofSession(one: Session): Step {
  return { at: one.from, tone: one.kind === 'receiving' ? one.evidence : one.kind, text: said(one), more: edges(one) }
}

export function between(span: Span): string {
  return `${toSecond(span.from)}–${toSecond(span.to)}`
}

/** When, what, how long. */
export function said(session: Session): string {
  const lasted = minutes(Date.parse(session.to) - Date.parse(session.from))
  return `${between(session)} ${named(session)}（${lasted}）`
}

/** What opened it and what closed it, and how much longer it may have been. */
export function edges(session: Session): string {
  return t('evening.edges', { opened: session.opened_by, closed: session.closed_by, n: session.uncertainty_seconds.toFixed(1) })
}

function named(session: Session): string {
  return session.kind === 'receiving' ? t(session.evidence === 'proved' ? 'evening.proved' : 'evening.reported') : t(`evening.${session.kind}`)
}

function causeOf(cause: string): string {
  return tIf(`trouble.${cause}.title`) ?? tIf(`refused.${cause}.title`) ?? cause
}
