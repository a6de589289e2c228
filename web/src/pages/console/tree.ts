/** The tree of branches as a page shows it, and who of the roster is in a part of it. */

import type { Branch, Person } from '../../rest/roster'

export interface Node {
  /** Its own name, the last part of the path. */
  name: string
  path: string
  /** Here and below: who has not left. */
  members: number
  children: Node[]
}

const SEPARATOR = ' / '

/** `top`: the path above which nothing is shown (an organizer's own parent). */
export function treeOf(branches: readonly Branch[]): Node[] {
  const known = new Map<string, Node>()
  const roots: Node[] = []
  for (const { branch, members } of [...branches].sort((a, b) => depth(a.branch) - depth(b.branch))) {
    const parts = branch.split(SEPARATOR)
    const node: Node = { name: parts.at(-1) ?? branch, path: branch, members, children: [] }
    known.set(branch, node)
    const above = known.get(parts.slice(0, -1).join(SEPARATOR))
    if (above) above.children.push(node)
    else roots.push(node)
  }
  for (const root of roots) total(root)
  return sorted(roots)
}

/** As a dictionary has them; the database sorts by code points. */
function sorted(nodes: Node[]): Node[] {
  for (const node of nodes) sorted(node.children)
  return nodes.sort((a, b) => a.name.localeCompare(b.name, 'zh-CN'))
}

const depth = (path: string): number => path.split(SEPARATOR).length

function total(node: Node): number {
  for (const child of node.children) node.members += total(child)
  return node.members
}

export type Standing = 'here' | 'left'

/** Whom to show: of a branch and below ("" and `null`: everybody; `NOWHERE`: those in no branch), who is there or who left. */
export const NOWHERE = '\0'

export function found(people: readonly Person[], path: string, standing: Standing, search: string): Person[] {
  const words = search.trim().toLowerCase().split(/\s+/).filter(Boolean)
  return people.filter(
    (one) =>
      (one.left === null) === (standing === 'here') &&
      (path === '' ? one.branch !== '' : path === NOWHERE ? one.branch === '' : one.branch === path || one.branch.startsWith(path + SEPARATOR)) &&
      words.every((word) => `${one.name} ${one.branch} ${one.city ?? ''} ${one.phone ?? ''}`.toLowerCase().includes(word)),
  )
}
