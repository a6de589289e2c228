/** Can this browser, on this network, receive a lecture? Tried with a session of its own, which brings nothing and ends. */

import { asRefused, type Refused } from '../rest/problem'
import { canDecode, SLOTS } from './offer'
import { sightOf } from './sight'
import { Viewing, watchAddress } from './whep'

export type Verdict = 'good' | 'slow' | 'no-udp' | 'no-codec' | 'refused'

export interface Reach {
  verdict: Verdict
  /** Milliseconds there and back; null where it was not found out. */
  rtt: number | null
  refused: Refused | null
}

/** ICE and DTLS take this long at most on a network that lets them through. */
const CONNECTS_WITHIN = 7_000
const RTT_WITHIN = 2_000
const SLOW = 250
const LOOK_EVERY = 100

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** As a person reads it. `connected`: media could have come. */
export function judged(connected: boolean, rtt: number | null): Verdict {
  if (!connected) return 'no-udp'
  return rtt !== null && rtt > SLOW ? 'slow' : 'good'
}

async function until(within: number, done: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + within
  while (performance.now() < deadline) {
    if (await done()) return true
    await after(LOOK_EVERY)
  }
  return false
}

export async function reach(lecture: string, ticket: string): Promise<Reach> {
  if (!canDecode('vp8') && !canDecode('h264')) return { verdict: 'no-codec', rtt: null, refused: null }
  const viewing = new Viewing(SLOTS, ['audio'])
  try {
    await viewing.open(watchAddress(lecture), ticket)
    const connected = await until(CONNECTS_WITHIN, () => Promise.resolve(viewing.connection === 'connected'))
    let rtt: number | null = null
    if (connected)
      await until(RTT_WITHIN, async () => {
        rtt = sightOf((await viewing.stats()).values(), new Map(), Date.now()).rtt
        return rtt !== null
      })
    return { verdict: judged(connected, rtt), rtt, refused: null }
  } catch (error) {
    return { verdict: 'refused', rtt: null, refused: asRefused(error) }
  } finally {
    viewing.close()
  }
}
