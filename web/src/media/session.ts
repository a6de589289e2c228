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
export async function drop(location: string | null, ticket: string): Promise<void> {
  if (location === null) return
  const init = { method: 'DELETE', headers: { Authorization: `Bearer ${ticket}` }, keepalive: true }
  await fetch(location, init).catch(() => undefined) // the relay ends a silent peer by itself
}

/** Less than the 2 s after which the relay calls a publication silent. */
const FAREWELL = 1_800
/** From the service's answer until the relay has certainly heard of it too. */
const HEARD = 300

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * DELETE first, then close: a close that arrives alone looks like a loss, and the audience would be shown a card for
 * someone who left on purpose.
 */
export async function leave(peer: RTCPeerConnection, location: string | null, ticket: string): Promise<void> {
  if (location !== null) await Promise.race([drop(location, ticket).then(() => after(HEARD)), after(FAREWELL)])
  peer.close()
}
