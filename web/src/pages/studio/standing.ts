/** What one sentence at the top of a studio says, and which alarms stand below it. */

import type { AudienceSeen, SlotState } from '../../channel/messages'
import type { Grade } from '../../media/outbound'
import type { PublisherPhase } from '../../media/publisher'
import type { Word } from '../../words/words'

export interface Seen {
  lecturer: boolean
  /** Only the stage is sent what goes on. */
  rehearsing: boolean
  /** One speaks to those behind the stage alone. */
  aside: boolean
  phase: PublisherPhase
  /** Why the service will not have it, in its own words. */
  refused: string
  /** What the room says of one's own slot. */
  slot: SlotState
  /** Nothing comes back from the service. */
  unheard: boolean
  unencoded: boolean
  audience: AudienceSeen | null
  /** Members are here, and the picture has reached none of them for too long. */
  nobody: boolean
  /** By what those who receive report of sound: it reaches most of them; it does not; there was no time to know. */
  sound: 'heard' | 'unheard' | 'unknown'
  /** Somebody else is before the audience, or the screen's own sound: to be silent is then nothing odd. */
  others: boolean
  /** No sound for too long. */
  quiet: boolean
  muted: boolean
  microphone: boolean
  grade: Grade | null
  /** The channel is not there. */
  away: boolean
  screenEnded: boolean
}

export type Tone = 'off' | 'wait' | 'rehearsal' | 'live' | 'lost'

export interface Standing {
  tone: Tone
  title: Word
  /** A sentence of the table, or one that the service gave. */
  text: Word | { given: string }
}

/** `n` in a sentence is `audience.receiving`, `time` the planned start. */
export function standing(seen: Seen): Standing {
  switch (seen.phase) {
    case 'connecting':
      return { tone: 'wait', title: 'air.connecting', text: 'air.lost-text' }
    case 'reconnecting':
      return { tone: 'lost', title: lost(seen), text: 'air.lost-text' }
    case 'sending':
      return sending(seen)
    case 'replaced':
      return { tone: 'off', title: 'air.replaced', text: 'air.replaced-text' }
    case 'refused':
      return { tone: 'lost', title: 'air.refused', text: { given: seen.refused } }
    default:
      return seen.lecturer
        ? { tone: 'off', title: 'air.off', text: 'air.off-text' }
        : { tone: 'off', title: 'air.off-stage', text: 'air.off-stage-text' }
  }
}

function lost(seen: Seen): Word {
  return seen.rehearsing ? 'air.rehearsal-lost' : 'air.lost'
}

function sending(seen: Seen): Standing {
  if (seen.aside && !seen.unheard) return { tone: 'wait', title: 'air.aside', text: 'air.aside-text' }
  if (seen.slot === 'lost' || seen.unheard) return { tone: 'lost', title: lost(seen), text: 'air.lost-text' }
  if (seen.rehearsing)
    return { tone: 'rehearsal', title: 'air.rehearsal', text: seen.lecturer ? 'air.rehearsal-text' : 'air.rehearsal-stage-text' }
  if (seen.nobody) {
    const some = (seen.audience?.receiving ?? 0) > 0
    return { tone: 'lost', title: some ? 'air.few' : 'air.nobody', text: some ? 'air.few-text' : 'air.nobody-text' }
  }
  return { tone: 'live', title: seen.lecturer ? 'air.live' : 'air.live-stage', text: watching(seen) }
}

function watching({ audience, muted, quiet, microphone, sound, others }: Seen): Word {
  if (!audience) return 'air.asking'
  if (audience.connected === 0) return 'air.nobody-yet'
  if (muted) return 'air.watching-muted'
  if (!microphone || (quiet && !others)) return 'air.watching-quiet'
  if (sound === 'unheard') return 'air.watching-unheard'
  return sound === 'heard' ? 'air.watching' : 'air.watching-others'
}

export interface Alarm {
  name: 'quiet' | 'listening' | 'muted' | 'unheard' | 'no-microphone' | 'unencoded' | 'poor' | 'away' | 'screen-ended'
  title: Word
  text: Word
  /** "bad" asks for an act now. */
  tone: 'bad' | 'warn'
}

const alarm = (name: Alarm['name'], tone: Alarm['tone'], text: Word = `alarm.${name}-text`): Alarm => ({
  name,
  title: `alarm.${name}`,
  text,
  tone,
})

/** Whoever listens to a guest, or plays a film, is not told that something is wrong. */
function silence({ muted, others }: Seen): Alarm {
  if (others) return alarm('listening', 'warn', muted ? 'alarm.listening-muted-text' : 'alarm.listening-text')
  return alarm(muted ? 'muted' : 'quiet', 'bad')
}

/** The gravest first. */
export function alarms(seen: Seen): Alarm[] {
  const onAir = seen.phase === 'sending' && !seen.aside
  const found: Alarm[] = []
  if (seen.away) found.push(alarm('away', 'warn', onAir ? 'alarm.away-text' : 'alarm.away-too-text'))
  if (onAir && !seen.unheard) {
    if (!seen.microphone) found.push(alarm('no-microphone', 'bad'))
    else if (seen.quiet) found.push(silence(seen))
    else if (seen.sound === 'unheard' && !seen.nobody) found.push(alarm('unheard', 'bad'))
    if (seen.unencoded) found.push(alarm('unencoded', 'bad'))
    else if (seen.grade === 'poor') found.push(alarm('poor', 'warn'))
  }
  if (seen.screenEnded) found.push(alarm('screen-ended', 'warn'))
  return found
}
