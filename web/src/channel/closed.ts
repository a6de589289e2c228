/** The channel closed for good: the same refusal that a request would have been given. */

import { Refused } from '../rest/problem'
import { Close } from './messages'
import type { RoomState } from './room'

const REASONS: Record<number, string> = {
  [Close.TICKET]: 'bad-ticket',
  [Close.BARRED]: 'barred',
  [Close.NO_LECTURE]: 'no-such-lecture',
  [Close.TOO_MANY_DEVICES]: 'too-many-devices',
  [Close.LECTURE_OVER]: 'lecture-over',
  [Close.PROTOCOL]: 'protocol',
}

/** `problem`: the room's last words, which name the reason more closely where they were meant as a farewell. */
export function closedFor(code: number, problem: RoomState['problem']): Refused {
  const said = problem?.fatal ? problem : null
  const status = code === Close.TOO_MANY_DEVICES ? 429 : 403
  return new Refused(said?.reason ?? REASONS[code] ?? 'other', status, said?.text ?? '')
}
