/** One's own camera and microphone for a page: taken at once, changed by choice, measured. */

import { onBeforeUnmount, onMounted, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { DeviceError, listDevices, release, take, type Device, type DeviceTrouble, type Taken } from './devices'
import { LevelMeter } from './level'

const CAMERA = 'camera'
const MICROPHONE = 'microphone'

export interface Camera {
  stream: ShallowRef<MediaStream | null>
  busy: Ref<boolean>
  trouble: Ref<DeviceTrouble | null>
  without: Ref<Taken['without']>
  /** 0 to 1; null while there is nothing to measure. */
  level: Ref<number | null>
  muted: Ref<boolean>
  cameras: Ref<Device[]>
  microphones: Ref<Device[]>
  camera: Ref<string | null>
  microphone: Ref<string | null>
  open(): Promise<void>
  choose(kind: 'camera' | 'microphone', id: string): Promise<void>
  mute(silent: boolean): void
}

function stored(name: string): string | null {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(name, value)
  } catch {
    // chosen for this visit only
  }
}

function idOf(tracks: MediaStreamTrack[] | undefined): string | null {
  return tracks?.[0]?.getSettings().deviceId ?? null
}

/** `replaced` is told of each track that takes another's place, for whoever sends it. */
export function useCamera(replaced: (stream: MediaStream, track: MediaStreamTrack) => Promise<void>): Camera {
  const stream = shallowRef<MediaStream | null>(null)
  const busy = ref(false)
  const trouble = ref<DeviceTrouble | null>(null)
  const without = ref<Taken['without']>(null)
  const level = ref<number | null>(null)
  const muted = ref(false)
  const cameras = ref<Device[]>([])
  const microphones = ref<Device[]>([])
  const camera = ref(stored(CAMERA))
  const microphone = ref(stored(MICROPHONE))
  let meter: LevelMeter | null = null

  function measure(): void {
    meter?.stop()
    meter = null
    level.value = null
    const track = stream.value?.getAudioTracks()[0]
    if (track && typeof AudioContext === 'function')
      meter = new LevelMeter(track, (heard) => {
        level.value = heard
      })
  }

  async function list(): Promise<void> {
    cameras.value = await listDevices('videoinput')
    microphones.value = await listDevices('audioinput')
    camera.value = idOf(stream.value?.getVideoTracks()) ?? camera.value
    microphone.value = idOf(stream.value?.getAudioTracks()) ?? microphone.value
  }

  async function open(): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      const taken = await take({ camera: camera.value, microphone: microphone.value })
      release(stream.value)
      stream.value = taken.stream
      without.value = taken.without
      trouble.value = null
      for (const track of taken.stream.getTracks()) watchEnd(track)
      mute(muted.value)
      measure()
    } catch (error) {
      trouble.value = error instanceof DeviceError ? error.trouble : 'other'
    } finally {
      busy.value = false
    }
    await list()
  }

  /** A device that is unplugged ends its track. */
  function watchEnd(track: MediaStreamTrack): void {
    track.addEventListener('ended', () => {
      if (stream.value?.getTracks().includes(track)) without.value = track.kind === 'audio' ? 'microphone' : 'camera'
    })
  }

  async function choose(kind: 'camera' | 'microphone', id: string): Promise<void> {
    const current = stream.value
    if (!current || busy.value) return
    busy.value = true
    try {
      const taken = await take({
        camera: kind === 'camera' ? id : camera.value,
        microphone: kind === 'microphone' ? id : microphone.value,
      })
      const next = kind === 'camera' ? taken.stream.getVideoTracks() : taken.stream.getAudioTracks()
      const old = kind === 'camera' ? current.getVideoTracks() : current.getAudioTracks()
      const track = next[0]
      for (const other of taken.stream.getTracks()) if (other !== track) other.stop()
      if (!track) return
      for (const one of old) {
        one.stop()
        current.removeTrack(one)
      }
      current.addTrack(track)
      watchEnd(track)
      // A new object, so that the preview and the sender both see the change.
      stream.value = new MediaStream(current.getTracks())
      without.value = taken.without
      store(kind === 'camera' ? CAMERA : MICROPHONE, id)
      if (kind === 'camera') camera.value = id
      else microphone.value = id
      mute(muted.value)
      if (kind === 'microphone') measure()
      await replaced(stream.value, track)
    } catch (error) {
      trouble.value = error instanceof DeviceError ? error.trouble : 'other'
    } finally {
      busy.value = false
    }
  }

  function mute(silent: boolean): void {
    muted.value = silent
    for (const track of stream.value?.getAudioTracks() ?? []) track.enabled = !silent
  }

  const plugged = (): void => void list()
  onMounted(() => {
    navigator.mediaDevices?.addEventListener?.('devicechange', plugged)
    void open()
  })
  onBeforeUnmount(() => {
    navigator.mediaDevices?.removeEventListener?.('devicechange', plugged)
    meter?.stop()
    release(stream.value)
  })
  return { stream, busy, trouble, without, level, muted, cameras, microphones, camera, microphone, open, choose, mute }
}
