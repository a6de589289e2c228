/** Where in the console one is, kept in the fragment, so that back and reload keep the place. */

import { onBeforeUnmount, ref, type Ref } from 'vue'

export type Place = 'people' | 'staff' | 'audit'
export type Tab = 'live' | 'stage' | 'talk' | 'order' | 'links' | 'sites' | 'rule' | 'report'

export interface Route {
  lecture: string | null
  tab: Tab
  /** A page of the console that is about no lecture; absent: their list. */
  place?: Place
  /** The page of a year, in place of a lecture. */
  year?: number
}

export const TABS: readonly Tab[] = ['live', 'stage', 'talk', 'order', 'links', 'sites', 'rule', 'report']

export const PLACES: readonly Place[] = ['people', 'staff', 'audit']

export function parse(fragment: string): Route {
  const [, place, id, tab] = fragment.replace(/^#/, '').split('/')
  const page = PLACES.find((one) => one === place)
  if (page) return { lecture: null, tab: 'live', place: page }
  if (place === 'year') return { lecture: null, tab: 'live', year: /^2[01]\d\d$/.test(id ?? '') ? Number(id) : new Date().getFullYear() }
  if (place !== 'lecture' || !id) return { lecture: null, tab: 'live' }
  let lecture: string
  try {
    lecture = decodeURIComponent(id)
  } catch {
    return { lecture: null, tab: 'live' }
  }
  return { lecture, tab: TABS.find((one) => one === tab) ?? 'live' }
}

export function address(route: Route): string {
  if (route.place) return `#/${route.place}`
  if (route.year !== undefined) return `#/year/${route.year}`
  return route.lecture === null ? '#/' : `#/lecture/${encodeURIComponent(route.lecture)}/${route.tab}`
}

export function useRoute(): Ref<Route> {
  const route = ref(parse(location.hash))
  const follow = (): void => {
    route.value = parse(location.hash)
  }
  addEventListener('hashchange', follow)
  onBeforeUnmount(() => removeEventListener('hashchange', follow))
  return route
}
