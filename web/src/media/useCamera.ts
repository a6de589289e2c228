/** One's own camera and microphone for a page: taken at once, changed by choice, replaced when unplugged, measured. */

import { onBeforeUnmount, onMounted, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import {
  DeviceError,
  listDevices,
  release,
  take,
  takeOne,
  type Device,
  type DeviceKind,
  type DeviceTrouble,
  type Taken,
} from './devices'
import { LevelMeter } from './level'

/** Something to say about a device while the rest goes on; a word of the table of sentences (`device.hint.…`). */
export interface DeviceHint {
  word: 'swapped-camera' | 'swapped-microphone' | 'choose-failed' | 'dark'
  /** The device that is in use now. */
  name: string
}

export interface Camera {
  stream: ShallowRef<MediaStream | null>
  busy: Ref<boolean>
  trouble: Ref<DeviceTrouble | null>
  without: Ref<Taken['without']>
  hint: Ref<DeviceHint | null>
  /** 0 to 1; null while there is nothing to measure. */
  level: Ref<number | null>
  muted: Ref<boolean>
  cameras: Ref<Device[]>
  microphones: Ref<Device[]>
  camera: Ref<string | null>
  microphone: Ref<string | null>
  open(): Promise<void>
  choose(kind: DeviceKind, id: string): Promise<void>
  mute(silent: boolean): void
}

/** A camera that gives nothing for so long is covered or held by another program. */
const DARK_AFTER = 2_000

function stored(kind: DeviceKind): string | null {
  try {
    return localStorage.getItem(kind)
  } catch {
    return null
  }
}

function store(kind: DeviceKind, value: string): void {
  try {
    localStorage.setItem(kind, value)
  } catch {
    // chosen for this visit only
  }
}

const idOf = (track: MediaStreamTrack | null): string | null => track?.getSettings().deviceId ?? null
const kindOf = (track: MediaStreamTrack): DeviceKind => (track.kind === 'audio' ? 'microphone' : 'camera')

/** `replaced` is told of each track that takes another's place, for whoever sends it. */
export function useCamera(replaced: (stream: MediaStream, track: MediaStreamTrack) => Promise<void>): Camera {
  const stream = shallowRef<MediaStream | null>(null)
  const busy = ref(false)
  const trouble = ref<DeviceTrouble | null>(null)
  const without = ref<Taken['without']>(null)
  const hint = ref<DeviceHint | null>(null)
  const level = ref<number | null>(null)
  const muted = ref(false)
  const cameras = ref<Device[]>([])
  const microphones = ref<Device[]>([])
  const camera = ref(stored('camera'))
  const microphone = ref(stored('microphone'))
  let meter: LevelMeter | null = null
  let dark: ReturnType<typeof setTimeout> | undefined
  let closed = false

  function trackOf(kind: DeviceKind): MediaStreamTrack | null {
    const tracks = kind === 'camera' ? stream.value?.getVideoTracks() : stream.value?.getAudioTracks()
    return tracks?.[0] ?? null
  }

  function measure(): void {
    meter?.stop()
    meter = null
    level.value = null
    const track = trackOf('microphone')
    if (track && typeof AudioContext === 'function')
      meter = new LevelMeter(track, (heard) => {
        level.value = heard
      })
  }

  async function list(): Promise<void> {
    cameras.value = await listDevices('videoinput')
    microphones.value = await listDevices('audioinput')
    camera.value = idOf(trackOf('camera')) ?? camera.value
    microphone.value = idOf(trackOf('microphone')) ?? microphone.value
  }

  async function open(): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      const taken = await take({ camera: camera.value, microphone: microphone.value })
      if (closed) {
        release(taken.stream)
        return
      }
      release(stream.value)
      stream.value = taken.stream
      without.value = taken.without
      trouble.value = hint.value = null
      for (const track of taken.stream.getTracks()) follow(track)
      mute(muted.value)
      measure()
    } catch (error) {
      trouble.value = error instanceof DeviceError ? error.trouble : 'other'
    } finally {
      busy.value = false
    }
    await list()
  }

  /** A device that is unplugged ends its track; one that another program took, or whose shutter is closed, mutes it. */
  function follow(track: MediaStreamTrack): void {
    const kind = kindOf(track)
    const inUse = (): boolean => trackOf(kind) === track
    track.addEventListener('ended', () => {
      if (inUse()) void lose(kind)
    })
    if (kind === 'microphone') return
    track.addEventListener('mute', () => {
      clearTimeout(dark)
      dark = setTimeout(() => {
        if (inUse()) hint.value = { word: 'dark', name: track.label }
      }, DARK_AFTER)
    })
    track.addEventListener('unmute', () => {
      clearTimeout(dark)
      if (hint.value?.word === 'dark') hint.value = null
    })
  }

  /** Another one takes its place without being asked: nobody looks for a menu in the middle of a lecture. */
  async function lose(kind: DeviceKind): Promise<void> {
    if (closed) return
    without.value = kind
    try {
      const track = await takeOne(kind, null, null)
      await adopt(kind, track)
      hint.value = { word: `swapped-${kind}`, name: track.label }
    } catch {
      measure()
    }
    await list()
  }

  async function adopt(kind: DeviceKind, track: MediaStreamTrack): Promise<void> {
    const current = stream.value
    if (closed || !current) {
      track.stop()
      return
    }
    const old = trackOf(kind)
    old?.stop()
    follow(track)
    // A new object, so that the preview and the sender both see the change.
    stream.value = new MediaStream([...current.getTracks().filter((one) => one !== old), track])
    if (without.value === kind) without.value = null
    const id = idOf(track)
    if (kind === 'camera') camera.value = id
    else microphone.value = id
    mute(muted.value)
    if (kind === 'microphone') measure()
    await replaced(stream.value, track)
  }

  async function choose(kind: DeviceKind, id: string): Promise<void> {
    if (!stream.value || busy.value) return
    busy.value = true
    hint.value = null
    const held = trackOf(kind)
    try {
      await adopt(kind, await takeOne(kind, id, held))
      store(kind, id)
    } catch {
      if (held?.readyState === 'ended') void lose(kind)
      hint.value = { word: 'choose-failed', name: held?.label ?? '' }
    } finally {
      busy.value = false
    }
  }

  function mute(silent: boolean): void {
    muted.value = silent
    for (const track of stream.value?.getAudioTracks() ?? []) track.enabled = !silent
  }

  /** What was missing may have been plugged in. */
  async function plugged(): Promise<void> {
    await list()
    const kind = without.value
    const there = kind === 'camera' ? cameras.value : microphones.value
    if (kind !== null && there.length > 0 && !busy.value) await lose(kind)
    else if (trouble.value === 'missing') await open()
  }

  onMounted(() => {
    navigator.mediaDevices?.addEventListener?.('devicechange', plugged)
    void open()
  })
  onBeforeUnmount(() => {
    closed = true
    clearTimeout(dark)
    navigator.mediaDevices?.removeEventListener?.('devicechange', plugged)
    meter?.stop()
    release(stream.value)
  })
  return { stream, busy, trouble, without, hint, level, muted, cameras, microphones, camera, microphone, open, choose, mute }
}
