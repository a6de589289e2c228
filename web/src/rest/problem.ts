/** One request to the service, and its refusals as one kind of error. */

import { language } from '../words/words'

/** The service said no, or could not be reached (`type` is then "unreachable", `status` 0). */
export class Refused extends Error {
  constructor(
    readonly type: string,
    readonly status: number,
    /** A sentence for the person, in their language; empty where there was no answer. */
    readonly sentence: string,
    readonly detail = '',
    /** Milliseconds to wait before another try, where the service said so. */
    readonly retryAfter: number | null = null,
  ) {
    super(`${type} (${status}) ${detail}`)
    this.name = 'Refused'
  }
}

const LONGEST_WAIT = 60_000

function waitOf(response: Response): number | null {
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, LONGEST_WAIT) : null
}

async function refusal(response: Response): Promise<Refused> {
  const wait = waitOf(response)
  try {
    const body = (await response.json()) as Record<string, unknown>
    const text = (name: string): string => (typeof body[name] === 'string' ? body[name] : '')
    const type = text('type').replace(/^.*[/:]/, '') || `status-${response.status}`
    return new Refused(type, response.status, text('title'), text('detail'), wait)
  } catch {
    return new Refused(`status-${response.status}`, response.status, '', '', wait)
  }
}

/** Fetch; a refusal or an unreachable service raises `Refused`. An abort raises what `fetch` raises. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('Accept-Language', language.value === 'en' ? 'en' : 'zh-CN, zh;q=0.9')
  let response: Response
  try {
    response = await fetch(path, { ...init, headers })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Refused('unreachable', 0, '', error instanceof Error ? error.message : String(error))
  }
  if (!response.ok) throw await refusal(response)
  return response
}

export async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await (await request(path, init)).json()) as T
}

/** The page was opened without a link. */
export const NO_TICKET = new Refused('no-ticket', 401, '')

export function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error
  return new Refused('other', 0, '', error instanceof Error ? `${error.name}: ${error.message}` : String(error))
}
