import { describe, expect, it } from 'vitest'
import type { Part, Poll, Question, Testimonial } from '../../src/channel/messages'
import { asText } from '../../src/pages/console/absentees'
import { below, counts, creditedOf, figures, filtered, fresher, merged, places, trail, worstFirst, type Place, type Show } from '../../src/pages/console/live'
import { blank, fault, moved, same, total, written } from '../../src/pages/console/order'
import { address, parse, TABS } from '../../src/pages/console/route'
import { deeds } from '../../src/pages/console/stage'
import { answeredLast, pollOf, portion, wordsOf } from '../../src/pages/console/talk'
import { deedSentence, sentence, toneOf } from '../../src/pages/console/timeline'
import type { Deed, Happened, Planned } from '../../src/rest/evening'
import type { Live, LiveBranch, LiveCounts, LiveMember } from '../../src/rest/office'

const branch = (path: string, invited: number, receiving: number, missing: number): LiveBranch => ({
  branch: path,
  invited,
  receiving,
  connected: receiving,
  missing,
  excused: 0,
  ever: receiving,
  qualified: 0,
})
const member = (name: string, more: Partial<LiveMember> = {}): LiveMember => ({
  id: name,
  name,
  branch: '镇巴县 / 泾洋',
  phone: '139****0001',
  city: null,
  qualified: null,
  connected: false,
  receiving: false,
  first_join: null,
  credited_seconds: null,
  trouble: null,
  leave: null,
  together: false,
  ...more,
})

const place = (path: string, exact = false): Place => ({ path, exact })
const lived = (city: string): Place => ({ path: '', exact: false, city })

describe('the table of branches', () => {
  const branches = [
    branch('镇巴县 / 泾洋', 10, 9, 1),
    branch('镇巴县 / 永乐 / 一组', 10, 2, 8),
    branch('镇巴县', 1, 0, 1),
    branch('镇巴县东 / 某支部', 4, 4, 0),
    branch('', 2, 1, 1),
  ]

  it('sums what lies below, and goes one level down', () => {
    const top = below(branches, '')
    expect(top.map((row) => [row.name, row.invited, row.receiving, row.missing, row.deeper])).toEqual([
      ['镇巴县', 21, 11, 10, true],
      ['镇巴县东', 4, 4, 0, true],
      ['', 2, 1, 1, false],
    ])
    const county = below(branches, '镇巴县')
    expect(county.map((row) => [row.name, row.place.path, row.place.exact, row.deeper])).toEqual([
      ['泾洋', '镇巴县 / 泾洋', false, false],
      ['永乐', '镇巴县 / 永乐', false, true],
      ['', '镇巴县', true, false],
    ])
  })

  it('has the smallest share first', () => {
    expect(worstFirst(below(branches, '')).map((row) => row.name)).toEqual(['', '镇巴县', '镇巴县东'])
    expect(worstFirst(below([branch('甲', 10, 2, 8), branch('丙', 100, 20, 80)], '')).map((row) => row.name)).toEqual(['丙', '甲'])
  })

  it('shows what the room says where it says it', () => {
    const rows = fresher(below(branches, ''), [{ branch: '镇巴县', invited: 21, connected: 20, receiving: 19, missing: 1, excused: 0 }])
    expect(rows.map((row) => row.receiving)).toEqual([19, 4, 1])
    expect(rows[0]?.place).toEqual({ path: '镇巴县', exact: false })
  })

  it('knows the way back', () => {
    expect(trail('镇巴县 / 永乐', '').map((step) => step.path)).toEqual(['镇巴县', '镇巴县 / 永乐'])
    expect(trail('镇巴县 / 永乐', '镇巴县')).toEqual([{ name: '永乐', path: '镇巴县 / 永乐' }])
    expect(trail('', '')).toEqual([])
    expect(trail('西乡县', '镇巴县')).toEqual([])
  })
})

describe('the live list', () => {
  it('is filtered by standing, words and branch', () => {
    const members = [
      member('张伟', { receiving: true, connected: true }),
      member('李芳', { connected: true, trouble: 'no-udp' }),
      member('王强', { branch: '勉县' }),
      member('赵云', { branch: '略阳县', phone: null, leave: 'illness' }),
    ]
    expect(filtered(members, 'excused', '', null).map((one) => one.name)).toEqual(['赵云'])
    expect(counts(members)).toEqual({ all: 4, receiving: 1, connected: 1, missing: 1, excused: 1, together: 0, ever: 0, qualified: 0, trouble: 1 })
    expect(filtered(members, 'missing', '', null).map((one) => one.name)).toEqual(['王强'])
    expect(filtered(members, 'all', '镇巴 李', null).map((one) => one.name)).toEqual(['李芳'])
    expect(filtered(members, 'all', '', place('勉县')).map((one) => one.name)).toEqual(['王强'])
    expect(filtered(members, 'all', '', place('镇巴县'))).toHaveLength(2)
    expect(filtered(members, 'all', '', place('镇巴县', true))).toHaveLength(0)
    expect(filtered(members, 'all', '0001', null)).toHaveLength(3)
  })

  it('is filtered by where people live', () => {
    const members = [member('张伟', { city: '西安' }), member('李芳', { city: '北京' }), member('王强')]
    expect(filtered(members, 'all', '', lived('西安')).map((one) => one.name)).toEqual(['张伟'])
    expect(filtered(members, 'all', '', lived('')).map((one) => one.name)).toEqual(['王强'])
    expect(filtered(members, 'all', '北京', null).map((one) => one.name)).toEqual(['李芳'])
  })

it('has nobody missing who is checked in at a site', () => {
    const there = [member('张伟', { together: true, receiving: true }), member('李芳', { together: true, leave: 'illness' }), member('王强')]
    const names = (show: Show): string[] => filtered(there, show, '', null).map((one) => one.name)
    expect(names('together')).toEqual(['张伟', '李芳'])
    expect(names('receiving')).toEqual(['张伟'])
    expect(names('connected')).toEqual(['李芳'])
    expect(names('missing')).toEqual(['王强'])
    expect(names('excused')).toEqual([])
  })

  it('takes in what changed, and lets minutes run on', () => {
    const counted = { invited: 2, receiving: 1, connected: 1, missing: 1, excused: 0, ever: 1, qualified: 0 }
    const told = (members: LiveMember[], seconds: number, whole: boolean): Live => ({
      ...counted,
      now: '2026-11-22T19:30:00Z',
      state: 'live',
      started: null,
      counted_seconds: seconds,
      uplink: null,
      token: 'x.1',
      whole,
      branches: whole ? [branch('镇巴县', 2, 1, 1)] : [],
      cities: [],
      members,
    })
    const first = merged(null, told([member('张伟', { receiving: true, credited_seconds: 50 }), member('王强')], 60, true))
    const then = merged(first, told([member('王强', { connected: true })], 90, false))
    expect(then.branches).toHaveLength(1)
    expect(then.members.map((one) => [one.name, one.connected])).toEqual([['张伟', false], ['王强', true]])
    expect(then.members.map((one) => creditedOf(one, then.counted_seconds))).toEqual([80, null])
  })

  it('adds up', () => {
    const said = figures(null, { invited: 1110, receiving: 895, missing: 180, excused: 5 } as LiveCounts)
    expect(said && said.receiving + said.idle + said.missing + said.excused).toBe(said?.invited)
  })

  it('names every branch once, to choose from', () => {
    expect(places([branch('镇巴县 / 永乐', 1, 0, 1), branch('镇巴县', 1, 0, 1)], '').map((one) => [one.path, one.depth])).toEqual([['', 0], ['镇巴县', 1], ['镇巴县 / 永乐', 2]])
    expect(places([branch('镇巴县 / 永乐', 1, 0, 1)], '镇巴县').map((one) => one.path)).toEqual(['镇巴县', '镇巴县 / 永乐'])
  })
})

describe('who is missing, as text', () => {
  it('stands by branch', () => {
    const text = asText('党课：还有 3 人未到', [member('王强', { branch: '勉县' }), member('张伟'), member('李芳')])
    expect(text.split('\n')).toEqual(['党课：还有 3 人未到', '勉县（1 人）：王强', '镇巴县 / 泾洋（2 人）：李芳、张伟'])
  })
})

describe('the console’s addresses', () => {
  it('go there and back', () => {
    for (const tab of TABS) expect(parse(address({ lecture: 'a b', tab }))).toEqual({ lecture: 'a b', tab })
    expect(parse(address({ lecture: null, tab: 'live' }))).toEqual({ lecture: null, tab: 'live' })
  })

  it.each(['', '#', '#/x', '#/lecture/', '#/lecture/%E0/live'])('may be nonsense: %s', (fragment) => {
    expect(parse(fragment)).toEqual({ lecture: null, tab: 'live' })
  })
})

const testimonial = (name: string, part: Part = 'off', more: Partial<Testimonial> = {}): Testimonial => ({
  id: name,
  member: name,
  name,
  branch: '',
  title: '',
  minutes: 5,
  part,
  here: true,
  done: false,
  passed: false,
  ...more,
})
describe('the stage', () => {
  it('offers what can be done', () => {
    expect(deeds(testimonial('甲'))).toEqual(['call'])
    expect(deeds(testimonial('甲', 'off', { here: false }))).toEqual([])
    expect(deeds(testimonial('甲', 'backstage'))).toEqual(['put-on', 'take-off'])
  })
})

const line = (name: string, more: Partial<Planned> = {}): Planned => ({ ...blank(), name, ...more })
const joined = (entries: Planned[]): string => entries.map((one) => one.name).join('')

describe('the running order', () => {
  it('is moved line by line', () => {
    const three = [line('甲'), line('乙'), line('丙')]
    expect(joined(moved(three, 0, 2))).toBe('乙丙甲')
    expect(joined(moved(three, 2, 0))).toBe('丙甲乙')
    expect(joined(moved(three, 0, 3))).toBe('甲乙丙')
    expect(same(three, moved(three, 1, 1))).toBe(true)
  })

  it('leaves empty lines out and names what is wrong', () => {
    expect(written([blank(), line('甲')])).toHaveLength(1)
    expect(total([blank(), line('甲', { minutes: 8 })])).toBe(8)
    expect(fault(blank())).toBe(null)
    expect(fault(line('', { title: '题目' }))).toBe('name')
    expect(fault(line('甲', { minutes: 0.5 }))).toBe('minutes')
    expect(fault(line('甲', { title: '长'.repeat(101) }))).toBe('long')
    expect(fault(line('甲'))).toBe(null)
  })
})

const question = (id: string, state: Question['state']): Question => ({ id, name: '', branch: '', text: '', at: '', state })

describe('what is said', () => {
  it('becomes a poll when it is whole', () => {
    expect(pollOf(' 听清了吗 ', ['能', ' 不能 ', ''], false)).toEqual({ type: 'poll-open', question: '听清了吗', options: ['能', '不能'], multiple: false })
    expect(pollOf('', ['能', '不能'], false)).toBe(null)
    expect(pollOf('问', ['能', '能'], false)).toBe(null)
  })

  it('is counted in whole percent', () => {
    const poll: Poll = { id: 'p1', question: '', options: ['一', '二'], multiple: false, open: true, results: [1, 2], voters: 3 }
    expect([portion(poll, 0), portion(poll, 1), portion({ ...poll, voters: 0 }, 0)]).toEqual([33, 67, 0])
  })

  it('is forbidden word by word', () => {
    expect(wordsOf('甲\n乙，丙\n\n甲')).toEqual({ kept: ['甲', '乙', '丙'], left: 0 })
    expect(wordsOf('字'.repeat(41))).toEqual({ kept: [], left: 1 })
  })

  it('has the questions that wait for an answer first', () => {
    expect(answeredLast([question('q1', 'answered'), question('q2', 'published')]).map((one) => one.id)).toEqual(['q2', 'q1'])
  })
})

const NOON = '2026-11-23T12:00:00Z'
const event = (kind: string, more: Partial<Happened> = {}): Happened => ({ at: NOON, kind, ...more })
const deed = (kind: string, more: Partial<Deed> = {}): Deed => ({ number: 1, at: NOON, by: '值班员', role: 'staff', kind, name: null, branch: null, text: null, ...more })

describe('the evening', () => {
  it('is told in sentences', () => {
    expect(sentence(event('started', { by: '值班员' }))).toBe('课堂开始 · 值班员')
    expect(sentence(event('testimonial', { name: '张三', branch: '镇巴县', detail: '返乡', until: '2026-11-23T12:05:00Z' }))).toBe(
      '张三（镇巴县）上台分享：返乡 （5 分钟）',
    )
    expect(sentence(event('testimonial', { name: '张三' }))).toBe('张三上台分享 （进行中）')
    expect(sentence(event('outage', { detail: 'relay' }))).toContain('转发服务')
    expect(sentence(event('something-new'))).toBe('something-new')
    expect([toneOf(event('outage')), toneOf(event('started')), toneOf(event('poll'))]).toEqual(['bad', 'good', ''])
  })

  it('says who did what to whom', () => {
    expect(deedSentence(deed('deleted', { name: '张伟', branch: '镇巴县', text: '广告' }))).toBe('删除了张伟（镇巴县）的发言“广告”')
    expect(deedSentence(deed('layout', { text: 'screen' }))).toBe('改变学员看到的画面：屏幕')
    expect(deedSentence(deed('barred'))).toBe('把某人移出课堂')
  })
})
