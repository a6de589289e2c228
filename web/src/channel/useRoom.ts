/** The channel and the room for a page: opened with the page's life, beating while it lives. */

import { computed, onBeforeUnmount, reactive, watch, type Ref } from 'vue'
import { device } from '../rest/join'
import type { Cause, Chat, ClientMessage, Page, Proof, SingleMessage } from './messages'
import { newRoom, receive, restOf, type RoomState } from './room'
import { Channel, channelAddress, newChannelState, type ChannelState } from './socket'
import { again, hear, newUnsaid, next, note, postpone, type Pending, type Returned } from './unsaid'

export interface RoomHandle {
  room: RoomState
  channel: ChannelState
  /** What this person said and the room has not said back yet. */
  pending: Readonly<Ref<Pending[]>>
  /** What was refused last, to be put back where it was written. */
  returned: Readonly<Ref<Returned | null>>
  say(text: string, reply?: Chat | null): void
  ask(text: string): void
  send(message: ClientMessage): boolean
  trouble(cause: Cause, detail: string): void
  /** Who is asked for the marks that heartbeats echo. */
  prove(proofs: () => Proof[]): void
  open(): void
  /** The next try now: the person asked for it. */
  hurry(): void
  close(): void
}

const BEAT_EVERY = 15_000
const BEAT_GAP = 1_000
/** Whether a line that waits may be said. */
const LOOK_EVERY = 250
/** While one's time is counted the service says so every 15 s; three times nothing is a dead socket. */
const QUIET = 45_000

/** `key`: a ticket; or, of staff who are signed in, the lecture. `playing`: frames of something that should be seen are
 * being decoded, as the page sees it. */
export function useRoom(key: string | { lecture: string }, page: Page, playing: () => boolean): RoomHandle {
  const room = reactive(newRoom())
  const state = reactive(newChannelState())
  const unsaid = reactive(newUnsaid())
  let untold: { cause: Cause; detail: string } | null = null
  let spoken = 0
  let looking: ReturnType<typeof setTimeout> | undefined
  let proofs: (() => Proof[]) | null = null

  const channel = new Channel(
    channelAddress(location),
    {
      hello: () => ({ ...(typeof key === 'string' ? { ticket: key } : key), version: 1, page, device: device() }),
      receive: (message: SingleMessage) => {
        if (postpone(unsaid, message)) return
        receive(room, message, { wall: Date.now(), steady: performance.now() })
        hear(unsaid, message)
      },
      opened: () => {
        beat.now()
        for (const message of again(unsaid)) channel.send(message)
        sayWaiting()
        if (untold && channel.send({ type: 'trouble', ...untold })) untold = null
      },
      members: () => room.count,
    },
    state,
  )

  function newKey(): string {
    spoken += 1
    return `${Date.now().toString(36)}-${spoken}`
  }

  function send(message: ClientMessage): boolean {
    return note(unsaid, message) && channel.send(message)
  }

  function sayWaiting(): void {
    clearTimeout(looking)
    if (state.phase !== 'open' || !unsaid.lines.some((line) => line.state !== 'said')) return
    const message = next(unsaid, restOf(room, Date.now()), performance.now())
    if (message) channel.send(message)
    looking = setTimeout(sayWaiting, LOOK_EVERY)
  }

  function say(text: string, reply: Chat | null = null): void {
    send({ type: 'chat', text, key: newKey(), reply: reply?.id ?? null })
  }

  function ask(text: string): void {
    send({ type: 'ask', text, key: newKey() })
  }

  function trouble(cause: Cause, detail: string): void {
    const message = { cause, detail: detail.slice(0, 200) }
    untold = channel.send({ type: 'trouble', ...message }) ? null : message
  }

  const beat = useBeat(() => {
    if (state.phase === 'open' && room.counted?.receiving && channel.quietFor(Date.now()) > QUIET) channel.renew()
    const visible = document.visibilityState === 'visible'
    channel.send({ type: 'heartbeat', visible, playing: playing(), proofs: proofs?.() ?? [] })
  }, playing)

  const renew = (): void => channel.renew()
  const gone = (event: PageTransitionEvent): void => {
    beat.now() // what came since the last one is proved too
    if (!event.persisted) channel.close()
  }
  const shown = (): void => {
    if (document.visibilityState === 'visible') channel.hurry()
  }
  addEventListener('online', renew)
  addEventListener('pagehide', gone)
  document.addEventListener('visibilitychange', shown)
  onBeforeUnmount(() => {
    removeEventListener('online', renew)
    removeEventListener('pagehide', gone)
    document.removeEventListener('visibilitychange', shown)
    clearTimeout(looking)
    channel.close()
  })

  return {
    room,
    channel: state,
    pending: computed(() => unsaid.lines),
    returned: computed(() => unsaid.returned),
    say,
    ask,
    trouble,
    prove: (source) => {
      proofs = source
    },
    send,
    open: () => channel.open(),
    hurry: () => channel.hurry(),
    close: () => channel.close(),
  }
}

/** Every 15 s, and when what it says changes, at most once a second. */
function useBeat(send: () => void, playing: () => boolean): { now(): void } {
  let last = 0
  let soon: ReturnType<typeof setTimeout> | undefined
  const now = (): void => {
    clearTimeout(soon)
    soon = undefined
    last = Date.now()
    send()
  }
  const changed = (): void => {
    if (soon === undefined) soon = setTimeout(now, Math.max(0, last + BEAT_GAP - Date.now()))
  }
  const timer = setInterval(now, BEAT_EVERY)
  watch(playing, changed)
  document.addEventListener('visibilitychange', changed)
  onBeforeUnmount(() => {
    clearInterval(timer)
    clearTimeout(soon)
    document.removeEventListener('visibilitychange', changed)
  })
  return { now }
}

