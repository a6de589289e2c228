/** Where in the console one is, kept in the fragment, so that back and reload keep the place. */

import { onBeforeUnmount, ref, type Ref } from 'vue'

export type Tab = 'live' | 'links' | 'report'

export interface Route {
  lecture: string | null
  tab: Tab
}

const TABS: readonly Tab[] = ['live', 'links', 'report']

export function parse(fragment: string): Route {
  const [, place, id, tab] = fragment.replace(/^#/, '').split('/')
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
