/** The player for a page: what the room says should be seen becomes its wishes. */

import { onBeforeUnmount, reactive, watch } from 'vue'
import type { RoomHandle } from '../channel/useRoom'
import { canDecode, type Slot, type StageSlot } from './offer'
import { newPlayerState, Player, type PlayerState } from './player'
import type { Wishes } from './watchdog'
import { watchAddress, type Viewing } from './whep'
import { wishesOf } from './wishes'

const QUALITY_EVERY = 10_000
const RECEPTION_EVERY = 2_000

export interface Playing {
  player: Player
  state: PlayerState
}

export const playerState = (): PlayerState => reactive(newPlayerState())

export interface PlayerOptions {
  lecture: string
  ticket: string
  /** The slots that this person publishes to; nothing is expected to come back on them. */
  own?: () => Slot[]
  prepared?: Viewing | null
  /** Reactive; false: the person wants to hear and not to see. */
  picture?: () => boolean
  /** What to ask for, reactive; the four that everybody sees unless told otherwise. */
  slots?: () => readonly StageSlot[]
  /** Reactive, the page's own; it may be watched before the player exists. */
  state: PlayerState
}

export function usePlayer(handle: RoomHandle, options: PlayerOptions): Playing {
  const { state } = options
  const decodable = new Map<string, boolean>()

  function decodes(codec: string | null): boolean {
    if (codec === null) return false
    if (!decodable.has(codec)) decodable.set(codec, canDecode(codec))
    return decodable.get(codec) ?? true
  }

  const picture = (): boolean => options.picture?.() ?? true

  const wishes = (): Wishes =>
    wishesOf(handle.room, { session: state.session, own: options.own?.() ?? [], seeing: picture(), decodes })

  const player = new Player(
    {
      address: () => handle.room.whep ?? watchAddress(options.lecture),
      ticket: () => options.ticket,
      wishes,
      members: () => handle.room.count,
      visible: () => document.visibilityState === 'visible',
      picture,
      trouble: handle.trouble,
    },
    state,
    options.prepared ?? null,
    options.slots,
  )

  handle.prove(() => player.proofs())

  watch(
    () => handle.room.relays,
    () => player.renew(),
  )

  watch(picture, () => player.retry())
  watch(
    () => options.slots?.().length,
    () => {
      if (state.phase !== 'idle') player.retry()
    },
  )

  const timer = setInterval(() => void report(), QUALITY_EVERY)
  async function report(): Promise<void> {
    const quality = await player.quality()
    if (quality) handle.send({ type: 'quality', ...quality })
  }

  const receptionTimer = setInterval(() => void tellReception(), RECEPTION_EVERY)
  async function tellReception(): Promise<void> {
    const found = await player.received()
    if (found) handle.send({ type: 'reception', ...found })
  }

  let away = false
  const gone = (): void => {
    if (state.phase === 'idle') return
    away = true
    player.stop()
  }
  const back = (event: PageTransitionEvent): void => {
    if (event.persisted && away) player.start()
    away = false
  }
  const online = (): void => {
    if (state.phase === 'reconnecting') player.retry()
  }
  addEventListener('pagehide', gone)
  addEventListener('pageshow', back)
  addEventListener('online', online)
  onBeforeUnmount(() => {
    clearInterval(timer)
    clearInterval(receptionTimer)
    removeEventListener('pagehide', gone)
    removeEventListener('pageshow', back)
    removeEventListener('online', online)
    player.stop()
  })
  return { player, state }
}
