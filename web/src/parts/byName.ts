/** Who says their name and the end of their number: what they type, and what they are told where it is refused. */

import type { Refused } from '../rest/problem'
import { t, tIf } from '../words/words'

/** The digits alone, without what a keyboard or a paste adds: spaces, full-width digits. */
export function digitsOf(text: string, most: number): string {
  return text.normalize('NFKC').replace(/\D/g, '').slice(0, most)
}

/** Ours where there is one, else the service's. */
export function sentenceOf({ type, sentence }: Refused): string {
  return tIf(`refused.${type}.text`) ?? (sentence || t('refused.other.text'))
}
