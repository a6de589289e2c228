/** The links in what somebody wrote. Only http and https, only plain ASCII addresses, without a name or password. */

export interface Piece {
  text: string
  /** Null: words, no link. */
  href: string | null
}

const ADDRESS = /https?:\/\/[\w\-.~:/?#[\]@!$&'()*+,;=%]+/gi
/** Ends the sentence, not the address. */
const TAIL = /[.,;:!?'")\]]+$/

function safe(address: string): string | null {
  let url: URL
  try {
    url = new URL(address)
  } catch {
    return null
  }
  const plain = url.protocol === 'http:' || url.protocol === 'https:'
  return plain && url.hostname !== '' && url.username === '' && url.password === '' ? url.href : null
}

export function pieces(text: string): Piece[] {
  const found: Piece[] = []
  let from = 0
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TAIL, '')
    const href = safe(address)
    if (href === null) continue
    if (match.index > from) found.push({ text: text.slice(from, match.index), href: null })
    found.push({ text: address, href })
    from = match.index + address.length
  }
  if (from < text.length) found.push({ text: text.slice(from), href: null })
  return found
}
