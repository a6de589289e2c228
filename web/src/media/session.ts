/** The HTTP side of one WHIP (RFC 9725) or WHEP session: offer out, answer in, DELETE at the end. */

import { Refused, request } from '../rest/problem'

export interface Session {
  answer: string
  /** Where to DELETE; null where the service named no place. */
  location: string | null
}

const ANSWER_WITHIN = 10_000

/** Raises `Refused`. An aborted request raises AbortError. */
export async function post(url: string, ticket: string, offer: string, signal: AbortSignal): Promise<Session> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), ANSWER_WITHIN)
  const abort = (): void => late.abort()
  signal.addEventListener('abort', abort)
  try {
    signal.throwIfAborted()
    const response = await request(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${ticket}` },
      body: offer,
      signal: late.signal,
    })
    const location = response.headers.get('Location')
    return {
      answer: await response.text(),
      location: location === null ? null : new URL(location, new URL(url, document.baseURI)).href,
    }
  } catch (error) {
    if (late.signal.aborted && !signal.aborted) throw new Refused('unreachable', 0, '', 'no answer in 10 s')
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

/** Say that the session is over; works while the page goes away, and never raises. */
export function drop(location: string | null, ticket: string): void {
  if (location === null) return
  void fetch(location, { method: 'DELETE', headers: { Authorization: `Bearer ${ticket}` }, keepalive: true }).catch(
    () => undefined, // the relay ends a silent peer by itself
  )
}
