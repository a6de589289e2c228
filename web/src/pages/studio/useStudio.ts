/** What a studio does: camera and screen, published to one's slots, kept up, stopped. */

import { computed, onBeforeUnmount, reactive, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { RoomHandle } from '../../channel/useRoom'
import { DeviceError, release, takeScreen, type DeviceTrouble } from '../../media/devices'
import type { Slot } from '../../media/offer'
import { newPublisherState, Publisher, type PublisherState } from '../../media/publisher'
import { useCamera, type Camera } from '../../media/useCamera'
import { CAMERA, SCREEN, type Picture } from '../../media/whip'
import type { Entry } from '../../rest/join'
import { forgetOnAir, rememberOnAir, wasOnAir } from './onAir'

export interface Studio {
  slot: Slot
  camera: Camera
  own: PublisherState
  screen: PublisherState
  screenStream: ShallowRef<MediaStream | null>
  screenTrouble: Ref<DeviceTrouble | null>
  onAir: ComputedRef<boolean>
  /** The seconds until a reloaded tab goes on air again by itself; null: it does not. */
  resumeIn: Ref<number | null>
  start(): void
  stop(): void
  shareScreen(): Promise<void>
  stopScreen(): void
  leaveOff(): void
}

const RESUME_AFTER = 3

/** `own`: the state of one's own publication, reactive, the page's. */
export function useStudio(handle: RoomHandle, entry: Entry, ticket: string, own: PublisherState): Studio {
  const slot: Slot = entry.role === 'host' || entry.role === 'guest' ? entry.role : 'lecturer'
  const screen = reactive(newPublisherState())
  const screenStream = shallowRef<MediaStream | null>(null)
  const screenTrouble = ref<DeviceTrouble | null>(null)
  const resumeIn = ref<number | null>(wasOnAir(entry.lecture.id) ? RESUME_AFTER : null)
  const starting = ref(false)

  function publisher(place: Slot, state: PublisherState, picture: Picture): Publisher {
    return new Publisher(
      {
        address: () =>
          `${(handle.room.whip ?? `/whip/${encodeURIComponent(entry.lecture.id)}`).replace(/\/$/, '')}/${place}`,
        ticket: () => ticket,
        slot: () => (handle.channel.phase === 'open' ? handle.room.slots[place].state : null),
        picture,
      },
      state,
    )
  }

  const ownPublisher = publisher(slot, own, CAMERA)
  const screenPublisher = publisher('screen', screen, SCREEN)
  const camera = useCamera((stream, track) => ownPublisher.replace(stream, track))
  const onAir = computed(() => own.phase === 'sending' || own.phase === 'connecting' || own.phase === 'reconnecting')

  function start(): void {
    resumeIn.value = null
    const stream = camera.stream.value
    if (!stream) {
      starting.value = true // as soon as the camera is there
      if (camera.trouble.value !== null) void camera.open()
      return
    }
    starting.value = false
    rememberOnAir(entry.lecture.id)
    ownPublisher.start(stream)
  }

  function stop(): void {
    starting.value = false
    forgetOnAir()
    ownPublisher.stop()
    stopScreen()
  }

  async function shareScreen(): Promise<void> {
    screenTrouble.value = null
    try {
      const stream = await takeScreen()
      if (!stream) return
      stopScreen()
      screenStream.value = stream
      // The browser's own "stop sharing" button.
      stream.getVideoTracks()[0]?.addEventListener('ended', stopScreen)
      screenPublisher.start(stream)
    } catch (error) {
      screenTrouble.value = error instanceof DeviceError ? error.trouble : 'other'
    }
  }

  function stopScreen(): void {
    screenPublisher.stop()
    release(screenStream.value)
    screenStream.value = null
  }

  watch(camera.stream, (stream) => {
    if (stream && starting.value) start()
  })
  watch(
    () => camera.trouble.value,
    (trouble) => {
      if (trouble === 'refused') handle.trouble('camera-refused', navigator.userAgent.slice(0, 180))
    },
  )
  watch(
    () => handle.room.relays,
    () => {
      ownPublisher.renew()
      screenPublisher.renew()
    },
  )
  // The lecture begins with the lecturer's first picture, whatever the clock says.
  const mayBegin = computed(
    () =>
      slot === 'lecturer' &&
      own.phase === 'sending' &&
      handle.channel.phase === 'open' &&
      (handle.room.lecture?.state === 'planned' || handle.room.lecture?.state === 'lobby'),
  )
  watch(mayBegin, (may) => {
    if (may) handle.send({ type: 'lecture', action: 'start' })
  })
  watch(
    () => own.phase,
    (phase) => {
      if (phase === 'replaced' || phase === 'refused') {
        forgetOnAir()
        stopScreen()
      }
    },
  )

  const countdown = setInterval(() => {
    if (resumeIn.value === null || !camera.stream.value) return
    resumeIn.value -= 1
    if (resumeIn.value <= 0) start()
  }, 1000)

  const protect = (event: BeforeUnloadEvent): void => {
    if (!onAir.value) return
    event.preventDefault()
  }
  const gone = (): void => {
    // A reload comes back by itself, so the memory of being on air stays.
    ownPublisher.stop()
    screenPublisher.stop()
  }
  addEventListener('beforeunload', protect)
  addEventListener('pagehide', gone)
  onBeforeUnmount(() => {
    clearInterval(countdown)
    removeEventListener('beforeunload', protect)
    removeEventListener('pagehide', gone)
    ownPublisher.stop()
    stopScreen()
  })

  return {
    slot,
    camera,
    own,
    screen,
    screenStream,
    screenTrouble,
    onAir,
    resumeIn,
    start,
    stop,
    shareScreen,
    stopScreen,
    leaveOff: () => {
      resumeIn.value = null
      forgetOnAir()
    },
  }
}
