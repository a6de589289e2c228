/** The live list, sorted and filtered for the eye. */

import type { LiveBranch, LiveMember } from '../../rest/office'

export type Show = 'all' | 'receiving' | 'connected' | 'missing' | 'trouble'

/** Share of the invited whom media reaches, 0 to 1; a branch without invited is complete. */
export function share(branch: LiveBranch): number {
  return branch.invited === 0 ? 1 : branch.receiving / branch.invited
}

/** Worst first: the smallest share, then the most missing, then by name. */
export function worstFirst(branches: readonly LiveBranch[]): LiveBranch[] {
  return [...branches].sort(
    (a, b) => share(a) - share(b) || b.missing - a.missing || a.branch.localeCompare(b.branch, 'zh'),
  )
}

const SHOWN: Record<Show, (member: LiveMember) => boolean> = {
  all: () => true,
  receiving: (member) => member.receiving,
  connected: (member) => member.connected && !member.receiving,
  missing: (member) => !member.connected && !member.receiving,
  trouble: (member) => member.trouble !== null,
}

export function counts(members: readonly LiveMember[]): Record<Show, number> {
  const found: Record<Show, number> = { all: 0, receiving: 0, connected: 0, missing: 0, trouble: 0 }
  for (const member of members)
    for (const show of Object.keys(SHOWN) as Show[]) if (SHOWN[show](member)) found[show] += 1
  return found
}

/** `search`: parts of name, branch or phone, all of which must be found; `branch`: that branch only. */
export function filtered(
  members: readonly LiveMember[],
  show: Show,
  search: string,
  branch: string | null,
): LiveMember[] {
  const parts = search.trim().toLowerCase().split(/\s+/).filter(Boolean)
  return members.filter((member) => {
    if (!SHOWN[show](member) || (branch !== null && member.branch !== branch)) return false
    const text = `${member.name} ${member.branch} ${member.phone ?? ''}`.toLowerCase()
    return parts.every((part) => text.includes(part))
  })
}
