/** What is the matter, for the one panel under the pictures: nothing is waited for without a sentence. Pure. */

import type { ChannelState } from '../../channel/socket'
import type { Cause } from '../../channel/messages'
import type { PlayerState } from '../../media/player'
import type { Refused } from '../../rest/problem'

/** ms after which a next step is named, and after which whom to call. */
export const STEP_AFTER = 5_000
export const CALL_AFTER = 15_000

export interface Trouble {
  what: Cause | 'channel' | 'media' | 'joining' | 'refused'
  refused: Refused | null
  /** Wall time (ms) since when. */
  since: number
}

/** `known`: the room has said how it is. `began`: when this page came. Null: nothing that is worth a panel. */
export function troubleOf(known: boolean, channel: ChannelState, player: PlayerState, began: number, now: number): Trouble | null {
  const waited = (since: number): boolean => now - since >= STEP_AFTER
  if (player.refused && !player.playing) return { what: 'refused', refused: player.refused, since: player.since }
  if (player.trouble) return { what: player.trouble, refused: null, since: player.since }
  if (!known) return waited(began) ? { what: 'joining', refused: null, since: began } : null
  if (player.phase === 'reconnecting' && waited(player.since)) return { what: 'media', refused: null, since: player.since }
  if (channel.phase !== 'open' && waited(channel.since)) return { what: 'channel', refused: null, since: channel.since }
  return null
}
