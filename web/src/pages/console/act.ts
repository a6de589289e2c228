/** Says what came of an action; a refusal in its own sentence. */

import { ElMessage } from 'element-plus/es/components/message/index'
import { asRefused } from '../../rest/problem'
import { t, tIf } from '../../words/words'

export function sentenceOf(error: unknown): string {
  const refused = asRefused(error)
  return refused.sentence || tIf(`refused.${refused.type}.title`) || t('console.failed')
}

export function say(text: string, type: 'success' | 'error' | 'warning' = 'success'): void {
  ElMessage({ message: text, type, grouping: true, showClose: true, duration: type === 'success' ? 3000 : 8000 })
}

/** Runs it; where it is refused the person is told, and null comes back. */
export async function attempt<T>(act: () => Promise<T>): Promise<T | null> {
  try {
    return await act()
  } catch (error) {
    say(sentenceOf(error), 'error')
    return null
  }
}
