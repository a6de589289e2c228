/** Is this network good enough to share from? Some seconds of real sending, judged once. */

import type { Grade, Sending } from './outbound'

/** Looks that a verdict needs, one each half second; the first ones are a browser's slow start. */
const NEEDED = 14
const STARTING = 6

/** A median says what it was like most of the time, whatever one look saw. */
function median(values: number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? null
}

const BAD = { loss: 0.08, rtt: 600, kbps: 120 } as const
const FAIR = { loss: 0.02, rtt: 250, kbps: 300 } as const

export class NetworkTest {
  private readonly looks: Sending[] = []

  /** `sending`: what the last half second was like. */
  look(sending: Sending): void {
    if (this.looks.length < 120) this.looks.push(sending)
  }

  /** 0 to 1, for whoever waits. */
  get progress(): number {
    return Math.min(1, this.looks.length / NEEDED)
  }

  /** Null until enough was seen. `picture`: a camera is sent, and not the voice alone. */
  verdict(picture: boolean): Grade | null {
    if (this.looks.length < NEEDED) return null
    const settled = this.looks.slice(STARTING)
    const loss = median(settled.map((one) => one.outbound.loss ?? 0)) ?? 0
    const rtt = median(settled.flatMap((one) => (one.outbound.rtt === null ? [] : [one.outbound.rtt]))) ?? 0
    const kbps = median(settled.map((one) => one.kbps)) ?? 0
    const limited = settled.filter((one) => one.outbound.limited === 'bandwidth').length > settled.length / 2
    if (loss > BAD.loss || rtt > BAD.rtt || (picture && kbps < BAD.kbps)) return 'poor'
    if (loss > FAIR.loss || rtt > FAIR.rtt || (picture && limited && kbps < FAIR.kbps)) return 'fair'
    return 'good'
  }
}
