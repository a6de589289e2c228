/** A lecture's attendance rule (docs/protocol.md §4). */

import { OURS, one } from './office'
import { json } from './problem'

export interface Rule {
  evidence: 'proved' | 'reported'
  /** Per cent of the time that counts; 0: having received anything. */
  share: number
  sign_ins: number
  answered: number
  /** Minutes of counted time; null: any time. */
  entry: number | null
}

export interface RuleVersion {
  version: number
  rule: Rule
  sentence: string
  /** Null: what holds until somebody sets another. */
  at: string | null
  by: string | null
  why: string
}

export interface RuleBook extends RuleVersion {
  /** The version that the lecture began under. */
  frozen: number | null
  versions: RuleVersion[]
}

export type Verdict = 'present' | 'late' | 'left-early' | 'incomplete' | 'excused' | 'absent' | 'not-measured'

export interface Effect {
  before: Partial<Record<Verdict, number>>
  after: Partial<Record<Verdict, number>>
  moved: { was: Verdict; becomes: Verdict; count: number; names: string[] }[]
}

export interface RulePreview {
  sentence: string
  /** The lecture has begun: a change needs a reason. */
  begun: boolean
  /** Null while there is nothing to judge. */
  effect: Effect | null
}

function send<T>(path: string, method: string, body: object, signal?: AbortSignal): Promise<T> {
  return json<T>(path, { method, headers: { ...OURS, 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal })
}

export const rules = {
  show: (lecture: string) => json<RuleBook>(`${one(lecture)}/rule`),
  preview: (lecture: string, rule: Rule, signal?: AbortSignal) => send<RulePreview>(`${one(lecture)}/rule/preview`, 'POST', { rule }, signal),
  set: (lecture: string, version: number, rule: Rule, why: string) => send<RuleBook>(`${one(lecture)}/rule`, 'PUT', { version, rule, why }),
}
