/** One's own camera and voice on the way to the stage: published to the guest's place, kept up, judged. */

import { computed, onBeforeUnmount, reactive, ref, watch, type ComputedRef, type Ref } from 'vue'
import type { Part } from '../channel/messages'
import type { RoomHandle } from '../channel/useRoom'
import { SILENT_BELOW } from './level'
import { NetworkTest } from './network'
import type { Grade } from './outbound'
import { newPublisherState, Publisher, type PublisherState } from './publisher'
import { useCamera, type Camera } from './useCamera'
import { CAMERA } from './whip'

export interface OwnPart {
  camera: Camera
  own: PublisherState
  part: ComputedRef<Part>
  /** How good the way is; null while it is being found out. */
  network: Ref<Grade | 'none' | null>
  /** 0 to 1. */
  progress: Ref<number>
  /** The microphone has given a sound since the camera is open. */
  spoke: Ref<boolean>
  /** Sends (again): after another device took over, or for another test. */
  start(): void
}

/** A network that lets nothing through is told after so long (ms). */
const NONE_AFTER = 12_000

/**
 * For a page whose person is called, or tries the devices; lives as long as these are in use, and sends from the first
 * picture on: nobody but the stage sees it before the room puts it there.
 */
export function usePart(handle: RoomHandle, lecture: string, ticket: string): OwnPart {
  const { room, channel } = handle
  const own = reactive(newPublisherState())
  const part = computed<Part>(() => room.part?.part ?? 'off')
  const network = ref<Grade | 'none' | null>(null)
  const progress = ref(0)
  const spoke = ref(false)
  let test = new NetworkTest()
  let triedAt = 0

  const place = computed(() => room.part?.slot || 'guest')
  const publisher = new Publisher(
    {
      address: () => `${(room.whip ?? `/whip/${encodeURIComponent(lecture)}`).replace(/\/$/, '')}/${place.value}`,
      ticket: () => ticket,
      // Others come and go in the same place: only what the room says of this person's own is news.
      slot: () => {
        const view = room.slots.guest
        return channel.phase === 'open' && view.member === room.you?.id ? view.state : null
      },
      picture: CAMERA,
    },
    own,
  )
  const camera = useCamera((stream, track) => publisher.replace(stream, track))

  function start(): void {
    network.value = null
    send()
  }

  function send(): void {
    test = new NetworkTest()
    progress.value = 0
    triedAt = performance.now()
    if (camera.stream.value) publisher.start(camera.stream.value)
  }

  // What was tried needs no more of the uplink; whoever is called sends again.
  watch(network, (found) => {
    if (part.value === 'off' && found !== null && found !== 'none') publisher.stop()
  })
  watch(part, (now) => {
    if (now !== 'off' && now !== 'called' && !publisher.active && own.phase === 'idle') send()
  })

  watch(camera.stream, (stream) => {
    if (stream && !publisher.active && own.phase === 'idle') start()
  })
  watch(
    () => camera.trouble.value,
    (trouble) => {
      if (trouble === 'refused') handle.trouble('camera-refused', navigator.userAgent.slice(0, 180))
    },
  )
  watch(
    () => camera.level.value,
    (level) => {
      if ((level ?? 0) > SILENT_BELOW) spoke.value = true
    },
  )
  watch(
    () => own.sending,
    (sending) => {
      if (!sending || own.phase !== 'sending') return
      test.look(sending)
      progress.value = test.progress
      network.value = test.verdict((camera.stream.value?.getVideoTracks().length ?? 0) > 0) ?? network.value
    },
  )
  const timer = setInterval(() => {
    const waits = own.phase === 'connecting' || own.phase === 'reconnecting'
    if (waits && network.value === null && performance.now() - triedAt > NONE_AFTER) network.value = 'none'
    if (own.phase === 'sending' && network.value === 'none') network.value = null
  }, 500)
  watch(
    () => room.relays,
    () => publisher.renew(),
  )
  const hurry = (): void => publisher.hurry()
  watch(
    () => channel.phase === 'open',
    (open) => {
      if (open) hurry()
    },
  )
  const protect = (event: BeforeUnloadEvent): void => {
    if (part.value === 'on' || part.value === 'lost') event.preventDefault()
  }
  const gone = (): void => publisher.stop()
  addEventListener('online', hurry)
  addEventListener('beforeunload', protect)
  addEventListener('pagehide', gone)
  onBeforeUnmount(() => {
    clearInterval(timer)
    removeEventListener('online', hurry)
    removeEventListener('beforeunload', protect)
    removeEventListener('pagehide', gone)
    publisher.stop()
  })
  return { camera, own, part, network, progress, spoke, start }
}
