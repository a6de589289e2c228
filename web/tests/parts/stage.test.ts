import { describe, expect, it } from 'vitest'
import type { NextStep as Step, OnStage, Part, RunningOrder, Testimonial } from '../../src/channel/messages'
import { newRoom } from '../../src/channel/room'
import { farewell, ownSlots } from '../../src/parts/part'
import { actsOf, backstage, clockOf, isUseful, nextSentence, nextStep, pressure, whoIsOn } from '../../src/parts/stage'

const entry = (name: string, part: Part = 'off', more: Partial<Testimonial> = {}): Testimonial => ({
  id: name,
  member: name,
  name,
  branch: '镇巴县',
  title: '',
  minutes: 5,
  part,
  here: true,
  done: false,
  passed: false,
  ...more,
})
const NOTHING: Step = { off: null, on: null, call: null, coming: null }
const order = (next: Partial<Step>, entries: Testimonial[], others: Testimonial[] = []): RunningOrder => ({
  type: 'running-order',
  entries,
  others,
  next: { ...NOTHING, ...next },
})
const step = (next: Partial<Step>, ...entries: Testimonial[]): [string, string | undefined, string | undefined] => {
  const { act, who, after } = nextStep(order(next, entries))
  return [act, who?.name, after?.name]
}

describe('next', () => {
  it('is what the room says that it does', () => {
    const three = [entry('甲', 'on'), entry('乙', 'backstage'), entry('丙')]
    expect(step({ off: '甲', on: '乙', call: '丙' }, ...three)).toEqual(['swap', '乙', '丙'])
    expect(step({ on: '乙' }, ...three)).toEqual(['swap', '乙', undefined])
    expect(step({ off: '甲', call: '丙' }, ...three)).toEqual(['off', '甲', '丙'])
    expect(step({ off: '甲', coming: '丙' }, ...three)).toEqual(['off', '甲', undefined])
    expect(step({ call: '丙' }, ...three)).toEqual(['call', '丙', undefined])
  })

  it('waits, and says for whom', () => {
    expect(step({ coming: '甲' }, entry('甲', 'called'), entry('乙'))).toEqual(['wait', '甲', undefined])
    expect(step({}, entry('甲', 'off', { here: false }))).toEqual(['absent', '甲', undefined])
    expect(step({}, entry('甲', 'off', { done: true }))).toEqual(['done', undefined, undefined])
    expect(nextStep(null).act).toBe('empty')
    expect(isUseful(nextStep(order({ coming: '甲' }, [entry('甲', 'called')])))).toBe(false)
  })

  it('takes those in who are in no entry, and says in one sentence who goes and who is called', () => {
    const both = order({ off: '甲', on: '赵', call: '甲' }, [entry('甲', 'on')], [entry('赵', 'backstage')])
    expect(nextSentence(nextStep(both))).toBe('请 赵 上台，并呼叫 甲')
    expect(backstage(both).map((one) => one.name)).toEqual(['赵'])
    expect(whoIsOn(both)?.name).toBe('甲')
  })
})

describe('what may be asked of one person', () => {
  it('follows where they stand', () => {
    expect(actsOf(entry('甲'))).toEqual(['call'])
    expect(actsOf(entry('甲', 'off', { here: false }))).toEqual([])
    expect(actsOf(entry('甲', 'called'))).toEqual(['cancel'])
    expect(actsOf(entry('甲', 'backstage'))).toEqual(['put-on', 'take-off'])
    expect(actsOf(entry('甲', 'lost'))).toEqual(['take-off'])
  })
})

describe('the minutes', () => {
  it('press in the last one, and are over after it', () => {
    expect([90_000, 59_000, 0, -1].map(pressure)).toEqual(['calm', 'soon', 'soon', 'over'])
  })
})

describe('the clock of whoever is on', () => {
  const since = '2026-11-23T12:00:00Z'
  const on = (until: string | null): OnStage => ({ name: '甲', branch: '', title: '', since, until, lost: false })
  const after = (seconds: number): number => Date.parse(since) + seconds * 1000

  it('counts down to the end, then beyond it; without a limit up from the beginning', () => {
    expect(clockOf(on('2026-11-23T12:05:00Z'), after(30))).toEqual({ tone: 'calm', word: '剩余', time: '04:30' })
    expect(clockOf(on('2026-11-23T12:05:00Z'), after(270)).tone).toBe('soon')
    expect(clockOf(on('2026-11-23T12:05:00Z'), after(310))).toEqual({ tone: 'over', word: '已超时', time: '00:10' })
    expect(clockOf(on(null), after(61))).toEqual({ tone: 'calm', word: '已分享', time: '01:01' })
  })
})

describe('one’s own part', () => {
  it('fills the slots that show oneself', () => {
    const room = newRoom()
    expect(ownSlots(room)).toEqual([])
    room.you = { id: 'm1', name: '王芳', branch: '西乡县', role: 'member', connection: 'c' }
    room.slots.guest = { ...room.slots.guest, state: 'live', member: 'm1' }
    room.slots.lecturer = { ...room.slots.lecturer, state: 'live', member: 'm9' }
    expect(ownSlots(room)).toEqual(['guest'])
  })

  it.each<[Part, string | null, string | null]>([
    ['on', 'taken-off', 'thanks'],
    ['on', 'replaced', 'thanks'],
    ['lost', 'time-out', 'lost'],
    ['called', 'time-out', 'time-out'],
    ['called', 'taken-off', null],
    ['called', 'declined', null],
    ['checking', 'time-out', 'time-out'],
    ['backstage', 'left', 'left'],
    ['off', null, null],
  ])('ends from %s by %s with %s', (before, reason, said) => {
    expect(farewell(before, reason)).toBe(said)
  })
})
