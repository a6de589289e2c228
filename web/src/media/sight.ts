/** What the browser's statistics say about one attempt to watch, reduced to what the watchdog and the quality need. */

import type { Line } from './whep'
import { SLOTS, type Slot, type StageSlot } from './offer'

export interface LineSight {
  /** Frames decoded (video). */
  frames: number
  /** RTP packets received, audio and video apart. */
  audio: number
  video: number
}

export interface Sight {
  /** Bytes of media and reports that arrived on the transport. */
  bytes: number
  slots: Record<Slot, LineSight>
  /** Connectivity checks (RFC 7675) sent, and answered; both 0 where the browser does not tell. */
  checks: number
  answers: number
  freezes: number
  /** Milliseconds for which pictures stood still. */
  frozen: number
  received: number
  lost: number
  /** Milliseconds; null while unknown. */
  rtt: number | null
  delay: number | null
}

const NTP_TO_UNIX = 2_208_988_800_000

type Entry = Record<string, unknown>

const number = (entry: Entry, name: string): number => (typeof entry[name] === 'number' ? entry[name] : 0)

export function emptySight(): Sight {
  return {
    bytes: 0,
    slots: Object.fromEntries(SLOTS.map((slot) => [slot, { frames: 0, audio: 0, video: 0 }])) as Sight['slots'],
    checks: 0,
    answers: 0,
    freezes: 0,
    frozen: 0,
    received: 0,
    lost: 0,
    rtt: null,
    delay: null,
  }
}

/** `slotOf`: which slot a mid shows. `wall`: milliseconds since the epoch, for the delay of the picture. */
export function sightOf(entries: Iterable<Entry>, slotOf: ReadonlyMap<string, Slot>, wall: number): Sight {
  const sight = emptySight()
  let transport = 0
  let pair = 0
  let media = 0
  for (const entry of entries) {
    switch (entry.type) {
      case 'transport':
        transport += number(entry, 'bytesReceived')
        break
      case 'candidate-pair':
        pair += number(entry, 'bytesReceived')
        if (entry.nominated === true) addPair(sight, entry)
        break
      case 'inbound-rtp': {
        media += number(entry, 'bytesReceived')
        const slot = slotOf.get(String(entry.mid))
        if (slot) addLine(sight, slot, entry, wall)
        break
      }
    }
  }
  // Firefox has no transport entry; where neither exists the media itself is the evidence.
  sight.bytes = Math.max(transport, pair, media)
  return sight
}

function addPair(sight: Sight, entry: Entry): void {
  sight.checks = number(entry, 'requestsSent') + number(entry, 'consentRequestsSent')
  sight.answers = number(entry, 'responsesReceived')
  if (typeof entry.currentRoundTripTime === 'number') sight.rtt = entry.currentRoundTripTime * 1000
}

function addLine(sight: Sight, slot: Slot, entry: Entry, wall: number): void {
  const line = sight.slots[slot]
  const packets = number(entry, 'packetsReceived')
  sight.received += packets
  sight.lost += Math.max(0, number(entry, 'packetsLost'))
  if (entry.kind === 'audio') {
    line.audio += packets
    return
  }
  line.video += packets
  line.frames += number(entry, 'framesDecoded')
  sight.freezes += number(entry, 'freezeCount')
  sight.frozen += number(entry, 'totalFreezesDuration') * 1000
  const playout = number(entry, 'estimatedPlayoutTimestamp')
  if (playout > 0) {
    const delay = wall + NTP_TO_UNIX - playout
    if (delay >= 0 && delay < 60_000) sight.delay = Math.max(sight.delay ?? 0, delay)
  }
}

const isSeenByAll = (slot: StageSlot): slot is Slot => slot !== 'backstage'

/** The slot of each mid, as the browser numbered the lines; what goes on behind the stage is no measure of anything. */
export function slotsByMid(lines: readonly Line[]): Map<string, Slot> {
  const found = new Map<string, Slot>()
  for (const { transceiver, slot } of lines)
    if (transceiver.mid !== null && isSeenByAll(slot)) found.set(transceiver.mid, slot)
  return found
}
