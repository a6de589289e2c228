/**
 * The channel: one WebSocket that comes back by itself.
 *
 * Theory of operation. The room numbers its messages; the page remembers the last number and says it when it returns,
 * and gets what it missed or a snapshot. A gap in the numbers (which the service never leaves on purpose) is mended the
 * same way: close and return. Waiting times are drawn at random from a growing range, so that a thousand pages that
 * lost the same service do not come back in the same instant.
 */

import { Close, type ClientMessage, type Hello, type ServerMessage, type SingleMessage } from './messages'

export type ChannelPhase = 'connecting' | 'open' | 'waiting' | 'closed'

export interface ChannelState {
  phase: ChannelPhase
  /** Wall time (ms) of the last change between open and not open. */
  since: number
  /** Why the service closed it for good; null otherwise. */
  refused: number | null
}

export function newChannelState(): ChannelState {
  return { phase: 'closed', since: Date.now(), refused: null }
}

export interface ChannelPort {
  hello(): Omit<Hello, 'type' | 'last'>
  receive(message: SingleMessage): void
  /** The room answered the hello: say again what must not be lost. */
  opened(): void
  /** Members in the room: the more, the wider the range of waiting times. */
  members(): number
}

/** What the channel uses of the browser; replaced in tests. */
export interface ChannelTools {
  socket(url: string): WebSocket
  random(): number
  after(ms: number, act: () => void): () => void
}

export const browserTools: ChannelTools = {
  socket: (url) => new WebSocket(url),
  random: Math.random,
  after: (ms, act) => {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
}

/** Coming back is no use: the page says why and what to do. */
export const FINAL: ReadonlySet<number> = new Set([
  Close.TICKET,
  Close.BARRED,
  Close.NO_LECTURE,
  Close.TOO_MANY_DEVICES,
  Close.LECTURE_OVER,
  Close.PROTOCOL,
])

const FIRST = 400
const LONGEST = 15_000
const PER_MEMBER = 5
const ANSWER_WITHIN = 10_000

/** Milliseconds to wait before the next try; `tries` counts from 0, `random` is in [0, 1). */
export function waitFor(code: number, tries: number, members: number, random: number): number {
  const spread = Math.min(members * PER_MEMBER, 8_000)
  const backoff = Math.min(FIRST * 2 ** tries, LONGEST)
  const least = code === Close.TOO_MANY_TRIES ? 10_000 : code === Close.RESTARTING ? 300 : 0
  return Math.round(least + backoff * (0.5 + random / 2) + spread * random)
}

export class Channel {
  private socket: WebSocket | null = null
  private last: number | null = null
  private tries = 0
  private cancel: () => void = () => undefined
  private answered = false
  /** Of the caller's clock that `Date.now` is. */
  private heardAt = 0

  constructor(
    private readonly url: string,
    private readonly port: ChannelPort,
    /** May be a reactive object of the page; the channel alone writes it. */
    readonly state: ChannelState,
    private readonly tools: ChannelTools = browserTools,
  ) {}

  open(): void {
    if (this.socket || this.state.phase === 'connecting') return
    this.cancel()
    this.state.refused = null
    this.move('connecting')
    this.answered = false
    const socket = this.tools.socket(this.url)
    this.socket = socket
    this.cancel = this.tools.after(ANSWER_WITHIN, () => this.lost(socket, 0))
    socket.addEventListener('open', () => {
      if (socket !== this.socket) return
      const last = this.last === null ? {} : { last: this.last }
      socket.send(JSON.stringify({ type: 'hello', ...this.port.hello(), ...last }))
    })
    socket.addEventListener('message', (event) => {
      if (socket === this.socket) this.take(event.data)
    })
    socket.addEventListener('close', (event) => this.lost(socket, event.code))
  }

  /** For good; `open` starts again. */
  close(): void {
    this.cancel()
    const socket = this.socket
    this.socket = null
    this.move('closed')
    socket?.close(1000)
  }

  /** The network is back, or the person wants it now: do not wait any longer. */
  hurry(): void {
    if (this.state.phase !== 'waiting') return
    this.tries = 0
    this.open()
  }

  /** The network changed below the socket, or it has been quiet for too long: come back over a new one. */
  renew(): void {
    if (this.state.phase === 'open') this.restart()
    else this.hurry()
  }

  /** False where the channel is not open: the caller says it again when it is. */
  send(message: ClientMessage): boolean {
    if (this.state.phase !== 'open' || this.socket?.readyState !== 1) return false
    this.socket.send(JSON.stringify(message))
    return true
  }

  /** Milliseconds since anything was heard. */
  quietFor(now: number): number {
    return now - this.heardAt
  }

  private take(data: unknown): void {
    this.heardAt = Date.now()
    let message: ServerMessage
    try {
      message = JSON.parse(String(data)) as ServerMessage
    } catch {
      return
    }
    const messages = message.type === 'batch' ? message.messages : [message]
    for (const one of messages) if (!this.takeOne(one)) return
  }

  /** False: a gap was found and the channel is closing. */
  private takeOne(message: SingleMessage): boolean {
    if (message.type === 'snapshot') {
      this.last = message.seq
    } else if (message.type !== 'resumed' && 'seq' in message) {
      if (this.last !== null && message.seq <= this.last) return true
      if (this.last !== null && message.seq > this.last + 1) {
        this.restart()
        return false
      }
      this.last = message.seq
    }
    this.port.receive(message)
    if (!this.answered && (message.type === 'snapshot' || message.type === 'resumed')) this.welcome()
    return true
  }

  private welcome(): void {
    this.answered = true
    this.cancel()
    this.tries = 0
    this.move('open')
    this.port.opened()
  }

  private restart(): void {
    const socket = this.socket
    if (!socket) return
    socket.close(1000)
    this.lost(socket, 0)
  }

  private lost(socket: WebSocket, code: number): void {
    if (socket !== this.socket) return
    this.socket = null
    this.cancel()
    if (socket.readyState === 0 || socket.readyState === 1) socket.close()
    if (FINAL.has(code)) {
      this.state.refused = code
      this.move('closed')
      return
    }
    this.move('waiting')
    const wait = waitFor(code, this.tries, this.port.members(), this.tools.random())
    this.tries += 1
    this.cancel = this.tools.after(wait, () => this.open())
  }

  private move(phase: ChannelPhase): void {
    if ((phase === 'open') !== (this.state.phase === 'open')) this.state.since = Date.now()
    this.state.phase = phase
  }
}

/** The channel's address beside this page. */
export function channelAddress(location: Pick<Location, 'protocol' | 'host'>): string {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/ws`
}
