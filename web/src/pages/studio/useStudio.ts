/** What a studio does: camera and screen, published to one's slots, kept up, stopped. */

import { computed, onBeforeUnmount, reactive, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { RoomHandle } from '../../channel/useRoom'
import { DeviceError, release, takeScreen, type DeviceTrouble } from '../../media/devices'
import type { Slot } from '../../media/offer'
import { newPublisherState, Publisher, type PublisherState } from '../../media/publisher'
import { useCamera, type Camera } from '../../media/useCamera'
import { CAMERA, SCREEN, type Picture } from '../../media/whip'
import { useRehearsal } from '../../parts/rehearsal'
import type { Entry } from '../../rest/join'
import { forgetOnAir, rememberOnAir, wasOnAir } from './onAir'

export interface Studio {
  slot: Slot
  camera: Camera
  own: PublisherState
  screen: PublisherState
  screenStream: ShallowRef<MediaStream | null>
  screenTrouble: Ref<DeviceTrouble | null>
  /** The sharing stopped, and not by this page's button: the browser's own bar, or a window that was closed. */
  screenEnded: Ref<boolean>
  onAir: ComputedRef<boolean>
  /** One speaks to those behind the stage alone; the audience is sent nothing of it. */
  aside: Ref<boolean>
  /** Before the planned start: only the stage is sent what is published, and nothing counts. */
  rehearsing: ComputedRef<boolean>
  /** The seconds until a reloaded tab goes on air again by itself; null: it does not. */
  resumeIn: Ref<number | null>
  start(): void
  stop(): void
  /** To those behind the stage, as long as `hold`; whether or not one is on the air. */
  talk(hold: boolean): void
  /** A new offer: nobody receives. */
  restart(): void
  shareScreen(): Promise<void>
  stopScreen(): void
  leaveOff(): void
}

const RESUME_AFTER = 3
/** ms that it is said that the sharing has stopped: then it is known, or was wanted. */
const ENDED_SHOWN = 20_000

/** `own`: the state of one's own publication, reactive, the page's. */
export function useStudio(handle: RoomHandle, entry: Entry, ticket: string, own: PublisherState): Studio {
  const slot: Slot = entry.role === 'host' ? 'host' : 'lecturer'
  const screen = reactive(newPublisherState())
  const screenStream = shallowRef<MediaStream | null>(null)
  const screenTrouble = ref<DeviceTrouble | null>(null)
  const screenEnded = ref(false)
  let endedTimer: ReturnType<typeof setTimeout> | undefined
  const resumeIn = ref<number | null>(wasOnAir(entry.lecture.id) ? RESUME_AFTER : null)
  const starting = ref(false)
  const rehearsing = useRehearsal(handle.room, entry.lecture)

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
  const aside = ref(false)
  /** Nothing is published but for that. */
  const onlyAside = ref(false)
  /** What the room was told last. */
  let keptAside = false
  const onAir = computed(() => !onlyAside.value && (own.phase === 'sending' || own.phase === 'connecting' || own.phase === 'reconnecting'))

  function tellAside(on: boolean): void {
    keptAside = on
    handle.send({ type: 'talkback', on })
  }

  /**
   * The room is told before anything is sent, and where nothing is sent but for this it is told nothing afterwards: so
   * no sound of it can reach the audience, whatever comes first.
   */
  function talk(hold: boolean): void {
    const stream = camera.stream.value
    if (hold === aside.value || (hold && (handle.channel.phase !== 'open' || !stream))) return
    aside.value = hold
    if (hold) {
      tellAside(true)
      if (!ownPublisher.active && stream) {
        onlyAside.value = true
        ownPublisher.start(stream)
      }
    } else if (onlyAside.value) {
      ownPublisher.stop()
      onlyAside.value = false
    } else tellAside(false)
  }

  function start(): void {
    resumeIn.value = null
    const stream = camera.stream.value
    if (!stream) {
      starting.value = true // as soon as the camera is there
      if (camera.trouble.value !== null) void camera.open()
      return
    }
    starting.value = false
    if (onlyAside.value) talk(false)
    if (keptAside && !aside.value) tellAside(false)
    rememberOnAir(entry.lecture.id)
    ownPublisher.start(stream)
  }

  function stop(): void {
    starting.value = false
    forgetOnAir()
    ownPublisher.stop()
    stopScreen()
    screenEnded.value = false
  }

  async function shareScreen(): Promise<void> {
    screenTrouble.value = null
    screenEnded.value = false
    try {
      const stream = await takeScreen()
      if (!stream) return
      stopScreen()
      screenStream.value = stream
      stream.getVideoTracks()[0]?.addEventListener('ended', () => {
        if (screenStream.value !== stream) return
        stopScreen()
        screenEnded.value = true
        clearTimeout(endedTimer)
        endedTimer = setTimeout(() => (screenEnded.value = false), ENDED_SHOWN)
      })
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
  // A request that hangs from before the way came back would only cost time.
  const hurry = (): void => {
    ownPublisher.hurry()
    screenPublisher.hurry()
  }
  watch(
    () => handle.channel.phase === 'open',
    (open) => {
      if (!open) return
      if (slot === 'host') tellAside(keptAside) // said while the channel was away, or by a page that is gone
      hurry()
    },
  )
  // Once it is due the lecture begins with whatever the lecturer sends; the service waits for a picture.
  const mayBegin = computed(
    () =>
      slot === 'lecturer' &&
      !rehearsing.value &&
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
  addEventListener('online', hurry)
  addEventListener('pagehide', gone)
  onBeforeUnmount(() => {
    clearInterval(countdown)
    clearTimeout(endedTimer)
    removeEventListener('beforeunload', protect)
    removeEventListener('online', hurry)
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
    screenEnded,
    onAir,
    rehearsing,
    aside,
    talk,
    resumeIn,
    start,
    stop,
    restart: () => ownPublisher.restart(),
    shareScreen,
    stopScreen,
    leaveOff: () => {
      resumeIn.value = null
      forgetOnAir()
    },
  }
}
