import { Listeners } from '../../signal/listeners'
import type { RoomCall } from '../room'
import type { Showing } from '../showing'
import type { Path, RoomSnapshot, Slot } from '../state'
import { SLOTS } from '../state'
import { applyPlan } from './apply'
import { troublesOf, type Trouble } from './cause'
import { Encoders, nameOf } from './codec'
import { countersOf, midsOf, type Picture } from './counters'
import { GRADE_VALUE, gradeOf, worstOf, type Grade } from './grade'
import { History, Overview } from './history'
import { Ladder } from './ladder'
import { cameraShare, planOf, topRung, type Demand, type LinkPlan } from './plan'
import { Processor } from './processor'
import { LinkMeter, type Sample } from './sample'
import { Steady } from './steady'

/** Whose links to watch, and what goes over them. */
export interface QualityOptions {
  call: Pick<RoomCall, 'peerConnections' | 'snapshot'> & { showing: Pick<Showing, 'linesAt' | 'onAsked'> }
  /** What is sent in a slot, as LocalMedia tells. */
  track: (slot: Slot) => MediaStreamTrack | null
  /** Time between two readings, ms; 2 s unless told. */
  everyMs?: number
  /** Processor cores; the browser's word unless told. */
  cores?: number
}

/** How the link to one peer does. */
export interface LinkQuality {
  peer: string
  name: string
  path: Path | null
  /** Null until there are two readings. */
  grade: Grade | null
  sample: Sample | null
  history: History
  plan: LinkPlan | null
}

/** What all links take of what they could, bits per second. */
export interface Budget {
  usedBps: number
  /** Null until the browser has an estimate. */
  availableBps: number | null
}

/** What the latest reading said of all links. */
export interface QualitySnapshot {
  links: LinkQuality[]
  /** The worst link's; null while there is none. */
  grade: Grade | null
  budget: Budget
  troubles: Trouble[]
}

/** Whoever shows more of us waits for no reading; but no stranger makes us do this more often, ms. */
const FOLLOW_MS = 200
/** A reading that has not come by then never will: some browsers do not settle it once the connection is closed. In ms. */
const PATIENCE_MS = 10_000

interface Link {
  pc: RTCPeerConnection
  meter: LinkMeter
  history: History
  ladder: Ladder | null
  quality: LinkQuality
  /** Whether its senders are being told of a plan; the next one waits for that. */
  applying: boolean
}

/**
 * Reads how every link of a call does, judges it, and lowers or raises what is sent to what the networks, this machine and the number of people allow.
 * It goes on while the page is hidden: the others still look at us.
 */
export class QualityWatch {
  private readonly options: QualityOptions
  private readonly listeners = new Listeners<QualitySnapshot>()
  private readonly links = new Map<string, Link>()
  private readonly steady = new Steady<Trouble>(({ cause, peer }) => `${cause} ${peer ?? ''}`)
  private readonly overall = new Overview()
  private readonly processor: Processor
  private readonly encoders = new Encoders()
  private readonly timer: ReturnType<typeof setInterval>
  private readonly endAsked: () => void
  private following: ReturnType<typeof setTimeout> | undefined
  private pixelsPerSecond: number
  private latest: QualitySnapshot = { links: [], grade: null, budget: { usedBps: 0, availableBps: null }, troubles: [] }
  private reading = false
  private stopped = false

  constructor(options: QualityOptions) {
    this.options = options
    this.processor = new Processor(options.cores ?? navigator.hardwareConcurrency, Date.now())
    this.pixelsPerSecond = this.processor.take(false, Date.now())
    this.timer = setInterval(() => void this.read(), options.everyMs ?? 2_000)
    this.endAsked = options.call.showing.onAsked(() => {
      this.following ??= setTimeout(() => this.followShown(), FOLLOW_MS)
    })
  }

  /** The latest reading; empty before the first. */
  snapshot(): QualitySnapshot {
    return this.latest
  }

  /** Tells after every reading, until the returned function is called. */
  subscribe(listener: (snapshot: QualitySnapshot) => void): () => void {
    return this.listeners.add(listener)
  }

  /** The worst link's grade over the whole call, oldest first; 1 is good, 0 poor. */
  course(): number[] {
    return this.overall.values()
  }

  /** Reads and adapts nothing any more. */
  stop(): void {
    this.stopped = true
    clearInterval(this.timer)
    clearTimeout(this.following)
    this.endAsked()
  }

  private async read(): Promise<void> {
    // A browser under load may take longer than the time between two readings.
    if (this.reading || this.stopped) return
    this.reading = true
    try {
      const room = this.options.call.snapshot()
      this.follow(room)
      await Promise.all([...this.links.values()].map((link) => this.sample(link)))
      if (this.stopped) return
      const limited = [...this.links.values()].some(({ quality }) => quality.sample?.limitation === 'cpu')
      this.pixelsPerSecond = this.processor.take(limited, Date.now())
      this.adapt(room)
      this.judge()
      this.listeners.emit(this.latest)
    } finally {
      this.reading = false
    }
  }

  private followShown(): void {
    this.following = undefined
    const room = this.options.call.snapshot()
    this.follow(room)
    this.adapt(room)
  }

  /** Keeps to those who are there, over the connections that they have now. */
  private follow(room: RoomSnapshot): void {
    const connections = this.options.call.peerConnections()
    for (const peer of this.links.keys()) if (!connections.has(peer)) this.links.delete(peer)
    for (const { peer, user, path } of room.peers) {
      const pc = connections.get(peer)
      if (!pc) continue
      const known = this.links.get(peer)
      const history = known?.history ?? new History()
      const fresh = (): Link => ({
        pc, meter: new LinkMeter(), history, ladder: null, applying: false,
        quality: { peer, name: user.name, path, grade: null, sample: null, history, plan: null },
      })
      const link = known?.pc === pc ? known : fresh()
      link.quality = { ...link.quality, name: user.name, path }
      this.links.set(peer, link)
    }
  }

  private async sample(link: Link): Promise<void> {
    const stats = link.pc.connectionState === 'connected' ? await statsOf(link.pc) : null
    const sample = stats && link.meter.take(countersOf(stats, midsOf(link.pc), Date.now()))
    link.quality = { ...link.quality, sample, grade: sample && gradeOf(sample) }
    if (!sample) return
    link.history.push(sample)
    // A camera that is covered or in use elsewhere has no pictures to encode.
    if (this.options.track('camera')?.muted !== false) return
    const sender = link.pc.getTransceivers()[SLOTS.indexOf('camera')]?.sender
    if (sender) this.encoders.take(sender, nameOf(sender.getParameters().encodings[0]?.codec), sample.sent.camera !== undefined)
  }

  private adapt(room: RoomSnapshot): void {
    const now = Date.now()
    const all = [...this.links.values()]
    const demand: Demand = {
      peers: all.length,
      camera: this.picture('camera'),
      screen: this.picture('screen'),
      microphone: this.options.track('microphone') !== null,
      sharing: room.sends.screen || room.peers.some(({ sends }) => sends.screen),
      pixelsPerSecond: this.pixelsPerSecond,
      unfit: this.encoders.unfit,
    }
    for (const link of all) {
      if (link.pc.connectionState !== 'connected') continue
      const available = link.quality.sample?.availableBps ?? null
      const lines = this.options.call.showing.linesAt(link.quality.peer)
      const top = topRung(demand, lines)
      link.ladder ??= new Ladder(top, now)
      const plan = planOf(demand, link.ladder.step(cameraShare(available, demand), top, now), available, lines)
      link.quality = { ...link.quality, plan }
      void this.apply(link)
    }
  }

  private async apply(link: Link): Promise<void> {
    const { plan } = link.quality
    if (!plan || link.applying) return
    link.applying = true
    try {
      await applyPlan(link.pc, plan)
    } catch {
      // A browser that has something against it now may take the next one.
    }
    link.applying = false
    if (link.quality.plan !== plan) await this.apply(link)
  }

  private picture(slot: Slot): Picture | null {
    const track = this.options.track(slot)
    if (!track) return null
    // Not every source tells; the usual then.
    const { width = 1280, height = 720, frameRate: fps = 30 } = track.getSettings()
    return { width, height, fps }
  }

  private judge(): void {
    const links = [...this.links.values()].map(({ quality }) => quality)
    const measured = links.flatMap(({ peer, path, sample }) => (sample ? [{ peer, relayed: path?.direct === false, sample }] : []))
    const grade = worstOf(links.flatMap((link) => link.grade ?? []))
    if (grade) this.overall.push(GRADE_VALUE[grade])
    const available = measured.flatMap(({ sample }) => sample.availableBps ?? [])
    this.latest = {
      links,
      grade,
      budget: {
        usedBps: measured.reduce((sum, { sample }) => sum + sample.bpsOut, 0),
        availableBps: available.length ? available.reduce((sum, bps) => sum + bps, 0) : null,
      },
      troubles: this.steady.take(troublesOf(measured)),
    }
  }
}

async function statsOf(pc: RTCPeerConnection): Promise<RTCStatsReport | null> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), PATIENCE_MS)))
  const stats = await Promise.race([pc.getStats().catch(() => null), late])
  clearTimeout(timer)
  return stats
}
