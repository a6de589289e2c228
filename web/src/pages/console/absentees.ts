/** Those who are called for, as plain text for a group chat: by branch, each branch on a line of its own. */

import { grouped } from '../../words/times'
import { t } from '../../words/words'

export interface Person {
  name: string
  branch: string
}

/** `heading` says of what they are missing, and when that was so. */
export function asText(heading: string, people: readonly Person[]): string {
  const branches = new Map<string, string[]>()
  for (const one of people) branches.set(one.branch, [...(branches.get(one.branch) ?? []), one.name])
  const lines = [...branches]
    .sort(([a], [b]) => a.localeCompare(b, 'zh'))
    .map(([branch, names]) =>
      t('absent.branch', {
        branch: branch || t('console.no-branch'),
        n: grouped(names.length),
        names: [...names].sort((a, b) => a.localeCompare(b, 'zh')).join(t('absent.between')),
      }),
    )
  return [heading, ...lines].join('\n')
}
