/** One lecture as the console follows it: over the channel while it is not over, and what only REST tells. */

import { computed, onBeforeUnmount, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { closedFor } from '../../channel/closed'
import { Close, type LectureState } from '../../channel/messages'
import { useRoom, type RoomHandle } from '../../channel/useRoom'
import { office, type Lecture, type Live, type LiveCounts } from '../../rest/office'
import { asRefused } from '../../rest/problem'
import { sentenceOf } from './act'
import { figures, merged, type Figures } from './live'

export interface Followed {
  handle: RoomHandle
  lecture: ShallowRef<Lecture | null>
  /** With the list of members, while somebody looks at it. */
  live: ShallowRef<Live | null>
  counts: ShallowRef<LiveCounts | null>
  figures: ComputedRef<Figures | null>
  /** Nothing was heard for a while, neither way. */
  stale: Ref<boolean>
  /** The room says what happens as it happens. */
  joined: ComputedRef<boolean>
  over: ComputedRef<boolean>
  /** Why there is nothing to show. */
  missing: Ref<string>
  /** Why the room was left for good though the lecture goes on. */
  shut: Ref<string>
  load(): Promise<void>
  changed(lecture: Lecture): void
  /** Ask for the figures now. */
  refresh(): void
}

const EVERY = 5_000
/** ms from one look at the list to the next: what changed is there within two seconds. */
const LISTED = 1_500
/** Figures older than this are shown as old. */
const STALE = 12_000

const OVER: ReadonlySet<LectureState> = new Set(['ended', 'published'])

/** `listing`: somebody looks at the list of members. `lost`: the session ended. */
export function useLecture(id: string, listing: () => boolean, lost: () => void): Followed {
  const handle = useRoom({ lecture: id }, 'console', () => false)
  const lecture = shallowRef<Lecture | null>(null)
  const live = shallowRef<Live | null>(null)
  const counts = shallowRef<LiveCounts | null>(null)
  const missing = ref('')
  const shut = ref('')
  const stale = ref(false)
  const ending = new AbortController()
  let freshAt = Date.now()
  let timer: ReturnType<typeof setTimeout> | undefined

  const over = computed(() => lecture.value !== null && OVER.has(lecture.value.state))
  const joined = computed(() => handle.channel.phase === 'open')

  async function load(): Promise<void> {
    try {
      lecture.value = await office.lecture(id)
      missing.value = ''
      if (!over.value) handle.open()
    } catch (error) {
      const refused = asRefused(error)
      if (refused.status === 401) lost()
      missing.value = sentenceOf(error)
    }
  }

  /** One after the other: a slow answer never piles up. */
  async function poll(): Promise<void> {
    clearTimeout(timer)
    try {
      if (listing()) counts.value = live.value = merged(live.value, await office.live(id, live.value?.token ?? '', ending.signal))
      else counts.value = await office.liveCounts(id, ending.signal)
      freshAt = Date.now()
      if (lecture.value && !joined.value) lecture.value = { ...lecture.value, state: counts.value.state }
    } catch (error) {
      if (ending.signal.aborted) return
      const { status } = asRefused(error)
      if (status === 401) lost()
      if (status === 404) return
    }
    stale.value = Date.now() - freshAt > STALE
    clearTimeout(timer)
    timer = setTimeout(() => void poll(), listing() && !over.value ? LISTED : EVERY)
  }

  watch(listing, (looks) => {
    if (looks) void poll()
  })
  watch(
    () => handle.room.lecture?.state,
    (state) => {
      if (state && lecture.value) lecture.value = { ...lecture.value, state }
    },
  )
  watch(
    () => handle.channel.refused,
    (code) => {
      if (code === null) return
      if (code === Close.TICKET) lost()
      else if (code === Close.LECTURE_OVER) void load()
      else shut.value = sentenceOf(closedFor(code, handle.room.problem))
    },
  )
  void load()
  void poll()
  onBeforeUnmount(() => {
    ending.abort()
    clearTimeout(timer)
  })

  return {
    handle,
    lecture,
    live,
    counts,
    figures: computed(() => figures(joined.value ? handle.room.audience : null, counts.value)),
    stale,
    joined,
    over,
    missing,
    shut,
    load,
    changed: (next) => {
      lecture.value = next
    },
    refresh: () => void poll(),
  }
}
