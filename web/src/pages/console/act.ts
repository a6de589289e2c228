/** Says what came of an action; a refusal in its own sentence. Asks once before what cannot be undone. */

import { ElMessage } from 'element-plus/es/components/message/index'
import { ElMessageBox } from 'element-plus/es/components/message-box/index'
import { h } from 'vue'
import { asRefused } from '../../rest/problem'
import { t, tIf } from '../../words/words'

/** Milliseconds: time to read, think and press. */
const OFFERED = 10_000

/** Refusals whose detail says which line is not right, in the reader's language. */
const DETAILED: ReadonlySet<string> = new Set(['bad-order'])

export function sentenceOf(error: unknown): string {
  const refused = asRefused(error)
  if (DETAILED.has(refused.type) && refused.detail) return `${refused.sentence} ${t('console.line')} ${refused.detail}`
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

/** Says what was done, and offers to take it back while the sentence stands. */
export function offer(text: string, deed: string, act: () => Promise<void>): void {
  const press = (): void => {
    shown.close()
    void act()
  }
  const button = h('button', { class: 'button quiet', type: 'button', 'data-testid': 'offer', onClick: press }, deed)
  const message = h('span', { class: 'offer' }, [h('span', text), button])
  const shown = ElMessage({ message, type: 'success', showClose: true, duration: OFFERED })
}

/** `yes` names the deed; false where the person thought better of it. */
export async function sure(title: string, text: string, yes: string): Promise<boolean> {
  const answer = await ElMessageBox.confirm(text, title, { confirmButtonText: yes, cancelButtonText: t('cancel'), type: 'warning' }).catch(() => null)
  return answer !== null
}
