import { describe, expect, it } from 'vitest'
import { newRoom, type RoomState } from '../../src/channel/room'
import { wishesOf, type Viewer } from '../../src/media/wishes'

const VIEWER: Viewer = { session: 'mine', own: [], seeing: true, decodes: (codec) => codec !== null && codec !== 'h264' }

function room(): RoomState {
  const found = newRoom()
  for (const slot of ['lecturer', 'screen', 'guest'] as const) {
    found.slots[slot] = { ...found.slots[slot], state: 'live', video: 'vp8' }
  }
  return found
}

describe('what a page should see', () => {
  it('is every slot that is live, with its picture', () => {
    const wishes = wishesOf(room(), VIEWER)
    expect(wishes.lecturer).toEqual({ live: true, picture: true })
    expect(wishes.host.live).toBe(false)
  })

  it('is nothing of what the person publishes', () => {
    expect(wishesOf(room(), { ...VIEWER, own: ['guest'] }).guest.live).toBe(false)
  })

  it('is no picture that the browser cannot decode, or that is not sent', () => {
    const found = room()
    found.slots.lecturer.video = 'h264'
    found.slots.guest.video = null
    expect(wishesOf(found, VIEWER).lecturer).toEqual({ live: true, picture: false })
    expect(wishesOf(found, VIEWER).guest).toEqual({ live: true, picture: false })
  })

  it('is sound alone for who wants no picture, and nothing of the screen', () => {
    const wishes = wishesOf(room(), { ...VIEWER, seeing: false })
    expect(wishes.lecturer).toEqual({ live: true, picture: false })
    expect(wishes.screen.live).toBe(false)
  })

  it('is sound alone where the service sends no more for this link: a new offer would bring nothing else', () => {
    const found = room()
    found.levels = { mine: { lecturer: 'audio-only', screen: 'audio-only', guest: 'reduced' }, old: { guest: 'audio-only' } }
    const wishes = wishesOf(found, VIEWER)
    expect(wishes.lecturer).toEqual({ live: true, picture: false })
    expect(wishes.screen.live).toBe(false)
    expect(wishes.guest).toEqual({ live: true, picture: true })
    expect(wishesOf(found, { ...VIEWER, session: null }).lecturer.picture).toBe(true)
  })
})
