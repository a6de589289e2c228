/** Where a page is open, as far as a remedy depends on it: permissions are in another place in each. */

export type Platform = 'wechat' | 'ios' | 'android' | 'desktop'

/** `touches`: an iPad says that it is a Mac, and has fingers. */
export function platformOf(agent: string, touches: number): Platform {
  if (/MicroMessenger/i.test(agent)) return 'wechat'
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touches > 1)) return 'ios'
  return /Android|HarmonyOS/i.test(agent) ? 'android' : 'desktop'
}

export const platform = (): Platform => platformOf(navigator.userAgent, navigator.maxTouchPoints)
