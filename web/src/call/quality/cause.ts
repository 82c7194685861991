import { gradeOf } from './grade'
import type { Sample } from './sample'

/**
 * Where trouble comes from, as far as it can be told from here: `cpu` and `ownNetwork` are ours, `theirNetwork` a peer's; `relay` and `distance` are long
 * ways; `between` is somewhere between the two, since with one link alone nobody can tell whose side it is on.
 */
export type Cause = 'cpu' | 'ownNetwork' | 'theirNetwork' | 'relay' | 'distance' | 'between'

/** What is wrong. Without `peer` it is with all of them. */
export interface Trouble {
  cause: Cause
  peer: string | null
  /** The worst that was measured: a round trip in ms, and a share of lost packets, 0 to 1. */
  rttMs: number
  loss: number
}

/** One link as it is judged. */
export interface JudgedLink {
  peer: string
  relayed: boolean
  sample: Sample
}

/** Less than this leaves no picture beside the sound, bits per second. */
const STARVED_BPS = 120_000
const SLOW_MS = 400

/** What ails a call now, most worth telling first. One thing is told once: if all links are bad for one reason, that is one trouble. */
export function troublesOf(links: readonly JudgedLink[]): Trouble[] {
  const troubles: Trouble[] = []
  if (links.some(({ sample }) => sample.limitation === 'cpu')) troubles.push({ cause: 'cpu', peer: null, rttMs: 0, loss: 0 })
  const bad = links.filter(isBad)
  if (bad.length === 0) return troubles
  const ours = bad.length > 1 ? bad.length * 3 >= links.length * 2 : bad.every(isStarved)
  if (ours) return [...troubles, told('ownNetwork', null, bad)]
  return [...troubles, ...bad.map((link) => told(causeOf(link, links.length > bad.length), link.peer, [link]))]
}

/** Of a link that is bad while not all are. */
function causeOf(link: JudgedLink, othersWell: boolean): Cause {
  const { sample } = link
  if (!isLossy(sample) && (sample.rttMs ?? 0) >= SLOW_MS) return link.relayed ? 'relay' : 'distance'
  return othersWell ? 'theirNetwork' : 'between'
}

function isBad(link: JudgedLink): boolean {
  return gradeOf(link.sample) === 'poor' || (link.sample.rttMs ?? 0) >= SLOW_MS || isStarved(link)
}

function isLossy({ lossIn, lossOut, frozen, jitterMs }: Sample): boolean {
  return Math.max(lossIn ?? 0, lossOut ?? 0) >= 0.04 || frozen >= 0.25 || (jitterMs ?? 0) >= 150
}

/** Our own sending has nearly come to a stop, and not since packets are lost, which they are anywhere. */
function isStarved({ sample }: JudgedLink): boolean {
  return !isLossy(sample) && sample.limitation === 'bandwidth' && sample.availableBps !== null && sample.availableBps < STARVED_BPS
}

function told(cause: Cause, peer: string | null, links: readonly JudgedLink[]): Trouble {
  const worst = (read: (sample: Sample) => number | null) => Math.max(...links.map(({ sample }) => read(sample) ?? 0))
  return {
    cause,
    peer,
    rttMs: worst(({ rttMs }) => rttMs),
    loss: worst(({ lossIn, lossOut }) => Math.max(lossIn ?? 0, lossOut ?? 0)),
  }
}
