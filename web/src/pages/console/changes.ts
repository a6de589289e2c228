/** What was done to the roster, in sentences. */

import type { Past, RosterChange } from '../../rest/roster'
import { grouped } from '../../words/times'
import { t } from '../../words/words'

const LISTED = '、'

/** What was done, to whom. */
export function changeSentence(change: RosterChange): string {
  const names = change.names.join(LISTED)
  const people = change.people > change.names.length ? t('changes.and-more', { names, n: grouped(change.people) }) : names
  switch (change.what) {
    case 'import':
      return t('changes.of.import', { file: change.file || t('changes.a-file'), added: grouped(change.added), changed: grouped(change.changed) })
    case 'invite':
      return t('changes.of.invite', { people })
    case 'rename':
    case 'merge': {
      const [from = '', to = ''] = change.file.split(' → ')
      return t(`changes.of.${change.what}`, { from, to })
    }
    case 'officer':
      return t(change.file === 'officer' ? 'changes.of.officer' : 'changes.of.no-officer', { people, branch: change.branch || t('people.nowhere') })
    default:
      return t(`changes.of.${change.what}`, { people, branch: change.branch || t('people.nowhere') })
  }
}

/** What was done to one person. */
export function pastSentence(past: Past): string {
  switch (past.what) {
    case 'import':
      return past.was === null
        ? t('past.added', { file: past.file || t('changes.a-file') })
        : t('past.changed', { file: past.file || t('changes.a-file'), was: past.was.length > 0 ? past.was : t('people.nowhere') })
    case 'move':
    case 'merge':
      return t('past.moved', { was: past.was || t('people.nowhere'), branch: past.what === 'merge' ? (past.file.split(' → ')[1] ?? '') : past.branch })
    case 'officer':
      return t(past.file === 'officer' ? 'past.officer' : 'past.no-officer')
    default:
      return t(`past.${past.what}`)
  }
}
