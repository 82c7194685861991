import { setTimeout as after } from 'node:timers/promises'
import { vi } from 'vitest'
import { longestBlink, longestPause, risen, type Count } from './pause'
import type { LinkStats } from './stats'
import type { Visitor } from './visitor'

const EVERY_MS = 200
const LATEST_MS = 20_000

interface Look {
  at: number
  link: LinkStats | null
  line: string
  edge: string
}

/** The longest that a pause between two looks at one connection can have been, in ms, by more than counts; NaN if nobody can tell. */
type Bound = (before: LinkStats, now: LinkStats, sinceMs: number) => number

/** One time between two frames, squared, is no more than all of them. */
const frameBound: Bound = (before, now) => 1_000 * Math.sqrt(now.cameraSquaredDelays - before.cameraSquaredDelays)

/** Where nothing comes the browser makes sound up. */
const soundBound: Bound = ({ audioSamples: before }, { audioSamples: now }, sinceMs) => (sinceMs * (now.concealed - before.concealed)) / (now.played - before.played)

/** What became of one visitor's call in some span of time. Spans are in ms. */
export interface Findings {
  noFrame: number
  noSound: number
  /** The share of the sound that was made up, 0 to 1. */
  concealed: number
  /** The longest time between two looks. */
  blink: number
  received: number
  lost: number
  /** For how long the line was not open. */
  lineAway: number
  edges: string[]
  /** Peer ids of the other; an empty one where they were not there. */
  others: string[]
  replaced: number
  restarted: number
}

/** Looks again and again at how the other comes across, until it is ended. */
export class Sampler {
  private readonly visitor: Visitor
  private readonly other: string
  private looks: Look[] = []
  private running = true
  private readonly work: Promise<void>

  constructor(visitor: Visitor, other: string) {
    this.visitor = visitor
    this.other = other
    this.work = this.run()
  }

  /** What was found since the last call, whose last look is this one's first. */
  async take(): Promise<Findings> {
    const known = this.looks.length
    // The look that is being taken belongs to this; but a page may not answer any more, and then the time since the last one counts.
    await vi.waitUntil(() => this.looks.length > known, { timeout: LATEST_MS, interval: 20 }).catch(() => this.looks.push({ ...this.looks.at(-1)!, at: Date.now() }))
    const { looks } = this
    this.looks = looks.slice(-1)
    const counts = (of: (link: LinkStats) => number, bound: Bound = () => 0): Count[] =>
      looks.map(({ at, link }, index) => {
        const before = looks[index - 1]
        const same = link && before?.link && link.fingerprint === before.link.fingerprint
        const most = same ? bound(before.link!, link, at - before.at) : NaN
        return { at, count: link && of(link), of: link?.fingerprint ?? '', bound: Number.isNaN(most) ? Infinity : most }
      })
    const links = looks.flatMap(({ link }) => link ?? [])
    const changes = (of: (link: LinkStats) => string) => links.slice(1).filter((link, index) => of(link) !== of(links[index]!)).length
    const replaced = changes(({ fingerprint }) => fingerprint)
    return {
      noFrame: longestPause(counts(({ cameraFrames }) => cameraFrames, frameBound)),
      noSound: longestPause(counts(({ audioPackets }) => audioPackets, soundBound)),
      concealed: risen(counts(({ audioSamples }) => audioSamples.concealed)) / Math.max(1, risen(counts(({ audioSamples }) => audioSamples.played))),
      blink: longestBlink(looks),
      received: risen(counts(({ packets }) => packets.received)),
      lost: risen(counts(({ packets }) => packets.lost)),
      lineAway: looks.slice(1).reduce((sum, { at }, index) => sum + (looks[index]!.line === 'open' ? 0 : at - looks[index]!.at), 0),
      edges: [...new Set(looks.map(({ edge }) => edge))],
      others: [...new Set(looks.map(({ link }) => link?.peer ?? ''))],
      replaced,
      // Another connection has other credentials, too.
      restarted: changes(({ ufrag }) => ufrag.local) - replaced,
    }
  }

  async end(): Promise<void> {
    this.running = false
    await this.work
  }

  private async run(): Promise<void> {
    while (this.running) {
      const pace = after(EVERY_MS)
      const [link, session] = await Promise.all([this.visitor.stats(this.other).catch(() => null), this.visitor.session().catch(() => null)])
      this.looks.push({ at: Date.now(), link, line: session?.state ?? 'unknown', edge: session?.edge ?? '' })
      await pace
    }
  }
}
