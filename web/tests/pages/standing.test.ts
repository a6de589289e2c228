import { describe, expect, it } from 'vitest'
import type { AudienceSeen } from '../../src/channel/messages'
import { alarms, standing, type Seen } from '../../src/pages/studio/standing'
import { Lasting } from '../../src/parts/now'

const audience = (connected: number, receiving: number): AudienceSeen => ({
  type: 'audience',
  connected,
  receiving,
  invited: 1120,
  trouble: 0,
  missing: 0,
  excused: 0,
  counties: [],
  hearing: receiving,
  silent: false,
})

const seen = (more: Partial<Seen> = {}): Seen => ({
  lecturer: true,
  rehearsing: false,
  aside: false,
  phase: 'sending',
  refused: '',
  slot: 'live',
  unheard: false,
  unencoded: false,
  audience: audience(1053, 1043),
  nobody: false,
  sound: 'heard',
  others: false,
  quiet: false,
  muted: false,
  microphone: true,
  grade: 'good',
  away: false,
  screenEnded: false,
  ...more,
})

describe('the sentence at the top of the studio', () => {
  it.each<[string, Partial<Seen>, string, string]>([
    ['before', { phase: 'idle' }, 'off', 'air.off-text'],
    ['a host who is not on', { phase: 'idle', lecturer: false }, 'off', 'air.off-stage-text'],
    ['all is well', {}, 'live', 'air.watching'],
    ['the audience is not known yet', { audience: null }, 'live', 'air.asking'],
    ['nobody has come yet', { audience: audience(0, 0) }, 'live', 'air.nobody-yet'],
    ['muted', { muted: true, quiet: true }, 'live', 'air.watching-muted'],
    ['silent', { quiet: true }, 'live', 'air.watching-quiet'],
    ['without a microphone', { microphone: false }, 'live', 'air.watching-quiet'],
    ['nobody has had time to report sound', { sound: 'unknown' }, 'live', 'air.watching-others'],
    ['no sound arrives', { sound: 'unheard' }, 'live', 'air.watching-unheard'],
    ['listening to a guest', { quiet: true, others: true }, 'live', 'air.watching'],
    ['most receive no more', { nobody: true }, 'lost', 'air.few-text'],
    ['nobody receives', { nobody: true, audience: audience(1053, 0) }, 'lost', 'air.nobody-text'],
    ['the room sees nothing', { slot: 'lost' }, 'lost', 'air.lost-text'],
    ['nothing comes back', { unheard: true }, 'lost', 'air.lost-text'],
    ['reconnecting', { phase: 'reconnecting' }, 'lost', 'air.lost-text'],
    ['a rehearsal', { rehearsing: true, slot: 'live' }, 'rehearsal', 'air.rehearsal-text'],
    ['a host who rehearses', { rehearsing: true, lecturer: false }, 'rehearsal', 'air.rehearsal-stage-text'],
    ['a rehearsal that is cut off', { rehearsing: true, unheard: true }, 'lost', 'air.lost-text'],
    ['to those behind the stage', { aside: true, lecturer: false }, 'wait', 'air.aside-text'],
    ['elsewhere', { phase: 'replaced' }, 'off', 'air.replaced-text'],
  ])('%s', (_name, more, tone, text) => {
    expect(standing(seen(more))).toMatchObject({ tone, text })
  })

  it('gives a refusal in the service’s own words', () => {
    expect(standing(seen({ phase: 'refused', refused: '人满了' })).text).toEqual({ given: '人满了' })
  })
})

const names = (more: Partial<Seen>): string[] => alarms(seen(more)).map((one) => one.name)

describe('the alarms', () => {
  it('are none while all is well, and none about sending before one sends', () => {
    expect(names({})).toEqual([])
    expect(names({ phase: 'idle', quiet: true, microphone: false, grade: 'poor' })).toEqual([])
  })

  it('say one thing about the voice', () => {
    expect(names({ quiet: true })).toEqual(['quiet'])
    expect(names({ quiet: true, muted: true })).toEqual(['muted'])
    expect(names({ sound: 'unheard' })).toEqual(['unheard'])
    expect(alarms(seen({ quiet: true, others: true }))).toMatchObject([{ name: 'listening', tone: 'warn' }])
    expect(names({ quiet: true, microphone: false })).toEqual(['no-microphone'])
  })

  it('say what keeps the picture', () => {
    expect(names({ unencoded: true, grade: 'poor' })).toEqual(['unencoded'])
    expect(names({ grade: 'poor' })).toEqual(['poor'])
    expect(names({ away: true, screenEnded: true })).toEqual(['away', 'screen-ended'])
    expect(alarms(seen({ away: true, phase: 'reconnecting' }))[0]?.text).toBe('alarm.away-too-text')
  })
})

describe('what has to last', () => {
  it('is said once it has, and begins anew', () => {
    const quiet = new Lasting(1_000)
    expect(quiet.look(0, true)).toBe(false)
    expect(quiet.look(999, true)).toBe(false)
    expect(quiet.look(1_000, true)).toBe(true)
    expect(quiet.look(1_100, false)).toBe(false)
    expect(quiet.look(1_200, true)).toBe(false)
  })
})
