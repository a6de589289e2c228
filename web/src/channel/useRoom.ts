/** The channel and the room for a page: opened with the page's life, beating while it lives. */

import { onBeforeUnmount, reactive, ref, watch, type Ref } from 'vue'
import { device } from '../rest/join'
import type { Cause, ClientMessage, Page, SingleMessage } from './messages'
import { newRoom, receive, type RoomState } from './room'
import { Channel, channelAddress, newChannelState, type ChannelState } from './socket'

export interface Pending {
  key: string
  text: string
}

export interface RoomHandle {
  room: RoomState
  channel: ChannelState
  /** What this person said and the room has not said back yet. */
  pending: Ref<Pending[]>
  say(text: string): void
  send(message: ClientMessage): boolean
  trouble(cause: Cause, detail: string): void
  open(): void
  close(): void
}

const BEAT_EVERY = 15_000
const BEAT_GAP = 1_000
const PENDING_KEPT = 20
/** While one's time is counted the service says so every 15 s; three times nothing is a dead socket. */
const QUIET = 45_000

/** `playing`: frames of something that should be seen are being decoded, as the page sees it. */
export function useRoom(ticket: string, page: Page, playing: () => boolean): RoomHandle {
  const room = reactive(newRoom())
  const state = reactive(newChannelState())
  const pending = ref<Pending[]>([])
  let untold: { cause: Cause; detail: string } | null = null
  let spoken = 0

  const channel = new Channel(
    channelAddress(location),
    {
      hello: () => ({ ticket, version: 1, page, device: device() }),
      receive: (message: SingleMessage) => {
        receive(room, message, { wall: Date.now(), steady: performance.now() })
        if (message.type === 'chat' && message.key !== null) settle(message.key)
        if (message.type === 'snapshot') for (const line of message.chat) if (line.key) settle(line.key)
      },
      opened: () => {
        beat.now()
        for (const one of pending.value) channel.send({ type: 'chat', text: one.text, key: one.key })
        if (untold && channel.send({ type: 'trouble', ...untold })) untold = null
      },
      members: () => room.count,
    },
    state,
  )

  function settle(key: string): void {
    pending.value = pending.value.filter((one) => one.key !== key)
  }

  function say(text: string): void {
    spoken += 1
    const key = `${Date.now().toString(36)}-${spoken}`
    pending.value = [...pending.value, { key, text }].slice(-PENDING_KEPT)
    channel.send({ type: 'chat', text, key })
  }

  function trouble(cause: Cause, detail: string): void {
    const message = { cause, detail: detail.slice(0, 200) }
    untold = channel.send({ type: 'trouble', ...message }) ? null : message
  }

  const beat = useBeat(() => {
    if (state.phase === 'open' && room.counted?.receiving && channel.quietFor(Date.now()) > QUIET) channel.renew()
    channel.send({ type: 'heartbeat', visible: document.visibilityState === 'visible', playing: playing() })
  }, playing)

  // A refused line must not be said again on every return.
  watch(
    () => room.problem?.number,
    () => {
      if (room.problem?.reason.startsWith('chat-')) pending.value = pending.value.slice(1)
    },
  )

  const renew = (): void => channel.renew()
  const gone = (event: PageTransitionEvent): void => {
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
    channel.close()
  })

  return {
    room,
    channel: state,
    pending,
    say,
    trouble,
    send: (message) => channel.send(message),
    open: () => channel.open(),
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

