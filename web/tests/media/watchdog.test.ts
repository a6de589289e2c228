import { describe, expect, it } from 'vitest'
import { SLOTS, type Slot } from '../../src/media/offer'
import { emptySight, type Sight } from '../../src/media/sight'
import { laterDelay, LIMITS, retryDelay, Watchdog, type Transport, type Verdict, type Wishes } from '../../src/media/watchdog'

const UP: Transport = { connection: 'connected', dtls: 'connected' }

/** A page, half a second at a time. */
class Scene {
  now = 1_000
  sight: Sight = emptySight()
  live: Partial<Record<Slot, 'picture' | 'sound'>> = {}
  /** Slots whose media arrives. */
  flowing: Slot[] = []
  /** Slots of which only the sound arrives. */
  sounding: Slot[] = []
  /** Slots whose packets arrive, and make no frame. */
  undecoded: Slot[] = []
  /** Reports arrive although no media does. */
  reports = false
  /** Connectivity checks are answered. */
  answered = true
  transport: Transport = UP
  visible = true
  readonly dog: Watchdog

  constructor(partials = 0) {
    this.dog = new Watchdog(this.now, partials)
  }

  step(): Verdict {
    this.now += 500
    if (this.now % 2_500 === 0) this.sight.checks += 1
    if (this.answered) this.sight.answers = this.sight.checks
    if (this.reports) this.sight.bytes += 60
    for (const slot of this.flowing) {
      this.sight.bytes += 20_000
      const line = this.sight.slots[slot]
      line.audio += 25
      line.video += 40
      if (this.visible) line.frames += 12
    }
    for (const slot of [...this.sounding, ...this.undecoded]) {
      this.sight.bytes += 2_000
      this.sight.slots[slot].audio += 25
    }
    for (const slot of this.undecoded) this.sight.slots[slot].video += 40
    const wishes = Object.fromEntries(
      SLOTS.map((slot) => [slot, { live: slot in this.live, picture: this.live[slot] === 'picture' }]),
    ) as Wishes
    return this.dog.look(this.now, this.sight, wishes, this.transport, this.visible)
  }

  for(ms: number): Verdict[] {
    return Array.from({ length: ms / 500 }, () => this.step())
  }
}

function playing(): Scene {
  const scene = new Scene()
  scene.live = { lecturer: 'picture' }
  scene.flowing = ['lecturer']
  scene.for(2_000)
  return scene
}

describe('the watchdog', () => {
  it('says playing while frames advance', () => {
    const scene = new Scene()
    scene.live = { lecturer: 'picture' }
    scene.flowing = ['lecturer']
    expect(scene.for(3_000).at(-1)).toBe('playing')
  })

  it('finds a stall of a live slot after three seconds, not sooner', () => {
    const scene = playing()
    scene.flowing = []
    const verdicts = scene.for(5_000)
    const at = (verdicts.indexOf('stalled') + 1) * 500
    expect(at).toBeGreaterThan(LIMITS.stalled - 500)
    expect(at).toBeLessThanOrEqual(LIMITS.stalled + 500)
  })

  it.each(['lost', 'expected', 'empty'])('leaves the lines alone for as long as the source is %s', () => {
    const scene = playing()
    scene.flowing = []
    scene.live = {}
    expect(new Set(scene.for(120_000))).toEqual(new Set(['waiting']))
  })

  it('leaves the lines alone when the source comes back on the same transport', () => {
    const scene = playing()
    scene.flowing = []
    scene.for(2_000) // the relay says so only now
    scene.live = {}
    scene.for(8_000)
    scene.live = { lecturer: 'picture' }
    scene.reports = true // reports and the key frame are on their way
    const waiting = scene.for(2_000)
    scene.flowing = ['lecturer']
    const verdicts = [...waiting, ...scene.for(3_000)]
    expect(verdicts).not.toContain('stalled')
    expect(verdicts.at(-1)).toBe('playing')
  })

  it('finds a transport that died in the meantime within two seconds', () => {
    const scene = playing()
    scene.flowing = []
    scene.live = {}
    scene.for(4_000)
    scene.live = { lecturer: 'picture' }
    expect(scene.for(2_000)).toContain('stalled')
  })

  it('finds it sooner where a check stays unanswered after the source went', () => {
    const scene = playing()
    scene.flowing = []
    scene.live = {}
    scene.answered = false
    expect(scene.for(4_500)).toContain('dead')
  })

  it('makes nothing of unanswered checks long after', () => {
    const scene = playing()
    scene.flowing = []
    scene.live = {}
    scene.for(LIMITS.suspicious + 500)
    scene.answered = false
    expect(scene.for(30_000)).not.toContain('dead')
  })

  it('gives a first picture five seconds while bytes arrive', () => {
    const scene = new Scene()
    scene.live = { lecturer: 'picture' }
    scene.reports = true
    expect(scene.for(LIMITS.starting - 500)).not.toContain('stalled')
    expect(scene.for(2_000)).toContain('stalled')
  })

  it.each<Transport>([
    { connection: 'connected', dtls: 'closed' },
    { connection: 'failed', dtls: 'connected' },
    { connection: 'disconnected', dtls: 'connected' },
  ])('acts at once on $connection and $dtls', (transport) => {
    const scene = playing()
    scene.transport = transport
    expect(scene.step()).toBe('dead')
  })

  it('gives up an attempt that does not connect', () => {
    const scene = new Scene()
    scene.transport = { connection: 'connecting', dtls: 'new' }
    const verdicts = scene.for(LIMITS.connecting + 1_000)
    expect(verdicts[0]).toBe('starting')
    expect(verdicts.at(-1)).toBe('dead')
  })

  it('counts packets instead of frames while the page is hidden', () => {
    const scene = playing()
    scene.visible = false
    expect(scene.for(10_000)).not.toContain('stalled')
  })

  it('begins anew after the page slept', () => {
    const scene = playing()
    scene.now += 600_000
    expect(scene.step()).toBe('playing')
  })

  it('asks for sound only where no picture is to be expected', () => {
    const scene = new Scene()
    scene.live = { lecturer: 'sound' }
    scene.flowing = ['lecturer']
    expect(scene.for(3_000).at(-1)).toBe('playing')
  })

  it('makes no new offer for a picture that stands while its sound goes on, until that has lasted', () => {
    const scene = playing()
    scene.flowing = []
    scene.sounding = ['lecturer']
    const verdicts = scene.for(LIMITS.partial)
    expect(new Set(verdicts)).toEqual(new Set(['playing']))
    expect(scene.dog.overdue).toEqual(['lecturer'])
    expect(scene.for(1_000)).toContain('stalled')
  })

  it('makes one sooner where the sound ends too', () => {
    const scene = playing()
    scene.flowing = []
    scene.sounding = ['lecturer']
    scene.for(4_000)
    scene.sounding = []
    expect(scene.for(LIMITS.stalled + 500)).toContain('stalled')
  })

  it('gives a first picture ten seconds while its sound arrives', () => {
    const scene = new Scene()
    scene.live = { lecturer: 'picture' }
    scene.undecoded = ['lecturer']
    const verdicts = scene.for(LIMITS.partial)
    expect(new Set(verdicts)).toEqual(new Set(['starting']))
    expect(scene.for(1_000)).toContain('stalled')
  })

  it('is patient with one slot while another plays, and names it', () => {
    const scene = playing()
    scene.live = { lecturer: 'picture', guest: 'picture' }
    const verdicts = scene.for(LIMITS.partial)
    expect(verdicts).not.toContain('stalled')
    expect(verdicts.at(-1)).toBe('playing')
    expect(scene.dog.missing).toEqual(['guest'])
    expect(scene.dog.overdue).toEqual(['guest'])
    expect(scene.for(2_000)).toContain('stalled')
  })

  it('is twice as patient after an offer that did not help', () => {
    const scene = new Scene(1)
    scene.live = { lecturer: 'picture', guest: 'picture' }
    scene.flowing = ['lecturer']
    expect(scene.for(LIMITS.partial * 2 - 1_000)).not.toContain('stalled')
  })
})

describe('the delay before the next offer', () => {
  it('is nothing for one member and spread over a full room', () => {
    expect(retryDelay(0, 1, 0.99)).toBeLessThanOrEqual(5)
    expect(retryDelay(0, 1_120, 0.99)).toBeGreaterThan(5_000)
    expect(retryDelay(0, 100_000, 0.999)).toBeLessThanOrEqual(8_000)
  })

  it('is never less than what the service asked for, nor the same for everybody', () => {
    expect(laterDelay(2_000, 0)).toBe(2_000)
    expect(laterDelay(2_000, 0.999)).toBeGreaterThan(2_900)
    expect(laterDelay(0, 0.5)).toBe(0)
  })

  it('backs off, with a ceiling', () => {
    const delays = Array.from({ length: 12 }, (_, tries) => retryDelay(tries, 1, 0.5))
    expect(delays[2]).toBeGreaterThan(delays[1] ?? Infinity)
    expect(Math.max(...delays)).toBeLessThanOrEqual(8_100)
  })
})
