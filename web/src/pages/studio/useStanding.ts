/** How one stands before the audience, looked at twice a second. */

import { computed, onBeforeUnmount, ref, watch, type ComputedRef } from 'vue'
import type { RoomHandle } from '../../channel/useRoom'
import { SILENT_BELOW } from '../../media/level'
import type { Slot } from '../../media/offer'
import { grade, type Grade } from '../../media/outbound'
import { Lasting } from '../../parts/now'
import { alarms, standing, type Alarm, type Seen, type Standing } from './standing'
import type { Studio } from './useStudio'

export interface Standings {
  standing: ComputedRef<Standing>
  alarms: ComputedRef<Alarm[]>
  grade: ComputedRef<Grade | null>
}

/** Whose voice the audience may be listening to. */
const OTHERS: readonly Slot[] = ['lecturer', 'host', 'guest']
const QUIET_AFTER = 10_000
/** Those who were here before the picture need a moment to receive it. */
const NOBODY_AT_FIRST = 5_000
/** Sound is reported more rarely than pictures are. */
const UNHEARD_AFTER = 12_000
/** Those who do not receive may come back by themselves; then a new offer is made, and not again sooner than this. */
const RESTART_AFTER = 3_000
const RESTART_EVERY = 15_000

export function useStanding(handle: RoomHandle, studio: Studio): Standings {
  const { rehearsing, aside } = studio
  const { room, channel } = handle
  const nobody = ref(false)
  const quiet = ref(false)
  const silence = new Lasting(QUIET_AFTER)
  const never = new Lasting(NOBODY_AT_FIRST)
  const gone = new Lasting(RESTART_AFTER)
  const unheard = new Lasting(UNHEARD_AFTER)
  const sound = ref<'heard' | 'unheard' | 'unknown'>('unknown')
  let reached = false
  let restartedAt = 0

  function look(): void {
    const now = performance.now()
    const { camera, own } = studio
    const sends = own.phase === 'sending'
    const heard = !camera.muted.value && (camera.level.value ?? 1) > SILENT_BELOW
    quiet.value = silence.look(now, studio.onAir.value && !heard)
    const { audience } = room
    reached = sends && (reached || (audience?.receiving ?? 0) > 0)
    const none = sends && !rehearsing.value && !aside.value && channel.phase === 'open' && audience !== null && audience.connected > 0 && (audience.receiving === 0 || audience.silent)
    const forLong = gone.look(now, none)
    nobody.value = reached ? none : never.look(now, none)
    const hears = (audience?.hearing ?? 0) * 2 >= (audience?.receiving ?? 0)
    const deaf = unheard.look(now, sends && !none && audience !== null && audience.receiving > 0 && !hears)
    sound.value = deaf ? 'unheard' : hears && (audience?.hearing ?? 0) > 0 ? 'heard' : 'unknown'
    if (nobody.value && forLong && now - restartedAt > RESTART_EVERY) {
      restartedAt = now
      studio.restart()
    }
  }
  const timer = setInterval(look, 500)
  // What the service says at once is shown at once.
  watch(() => room.audience, look)
  onBeforeUnmount(() => clearInterval(timer))

  const others = computed(() => {
    const screen = studio.screenStream.value?.getAudioTracks().length ?? 0
    return screen > 0 || OTHERS.some((slot) => slot !== studio.slot && room.slots[slot].state === 'live')
  })

  const health = computed(() => {
    const { own, camera } = studio
    if (own.phase !== 'sending' || !own.sending || Date.now() - own.since < 10_000) return null
    return grade(own.sending, (camera.stream.value?.getVideoTracks().length ?? 0) > 0)
  })
  const seen = computed<Seen>(() => ({
    lecturer: studio.slot === 'lecturer',
    rehearsing: rehearsing.value,
    aside: aside.value,
    phase: studio.own.phase,
    refused: studio.own.refused?.sentence ?? '',
    slot: room.slots[studio.slot].state,
    unheard: studio.own.unheard,
    unencoded: studio.own.unencoded,
    audience: room.audience,
    nobody: nobody.value,
    sound: sound.value,
    others: others.value,
    quiet: quiet.value,
    muted: studio.camera.muted.value,
    microphone: studio.camera.without.value !== 'microphone',
    grade: health.value,
    away: room.known && (channel.phase !== 'open' || room.cutOff),
    screenEnded: studio.screenEnded.value,
  }))
  return {
    standing: computed(() => standing(seen.value)),
    alarms: computed(() => alarms(seen.value)),
    grade: health,
  }
}
