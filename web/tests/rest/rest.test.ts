import { afterEach, describe, expect, it, vi } from 'vitest'
import { ticketOf } from '../../src/rest/join'
import { nameOf } from '../../src/rest/office'
import { asRefused, Refused, request } from '../../src/rest/problem'

function answer(body: string, init: ResponseInit): void {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, init)))
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('a refusal', () => {
  it('carries the sentence of problem+json', async () => {
    answer('{"type":"ticket-expired","title":"链接已过期","status":401,"detail":"d"}', { status: 401 })
    const refused = await request('/x').catch(asRefused)
    expect(refused).toMatchObject({ type: 'ticket-expired', status: 401, sentence: '链接已过期', detail: 'd' })
  })

  it('keeps the wait that the service asks for, within a minute', async () => {
    answer('{}', { status: 503, headers: { 'Retry-After': '2' } })
    expect(await request('/x').catch(asRefused)).toMatchObject({ type: 'status-503', retryAfter: 2_000 })
    answer('<html>', { status: 502, headers: { 'Retry-After': '99999' } })
    expect(await request('/x').catch(asRefused)).toMatchObject({ type: 'status-502', retryAfter: 60_000 })
  })

  it('is "unreachable" without a network', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
    expect(await request('/x').catch(asRefused)).toMatchObject({ type: 'unreachable', status: 0 })
  })

  it('may be anything', () => {
    expect(asRefused(new Error('x'))).toBeInstanceOf(Refused)
    expect(asRefused(null).type).toBe('other')
  })
})

describe('a ticket', () => {
  it('is what the fragment holds', () => {
    expect(ticketOf('#abc.DEF-1')).toBe('abc.DEF-1')
    expect(ticketOf('#a%2Eb')).toBe('a.b')
  })

  it.each(['', '#', '#%', `#${'x'.repeat(600)}`])('is not %j', (fragment) => {
    expect(ticketOf(fragment)).toBeNull()
  })
})

describe('a download', () => {
  it('has the name that the service gave', () => {
    expect(nameOf("attachment; filename*=UTF-8''%E8%AF%BE.xlsx")).toBe('课.xlsx')
    expect(nameOf('attachment; filename="a b.csv"')).toBe('a b.csv')
    expect(nameOf(null)).toBeNull()
    expect(nameOf("attachment; filename*=UTF-8''%E8%A")).toBeNull()
  })
})
