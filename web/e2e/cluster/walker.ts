import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { TestBrowser } from '../harness/browser'
import { RELAY_ONLY, relayedAtBothEnds } from '../harness/relayed'
import { Sampler, type Findings } from '../harness/sampler'
import { Visitor } from '../harness/visitor'
import { NOBODY_THERE } from '../harness/watch'
import type { Plan, Step } from './plan'
import { Talker } from './talker'

/** As long as it may take after a step until all is well again; on top of that, what the step may take from media. */
const SETTLE_MS = 45_000
/** What proxies and edges answer while one edge goes and another comes. */
const NOBODY_READY = /^error: Failed to load resource: the server responded with a status of 50[234]/

/** Where nobody answers at all for a while, the page gives up and tries anew. */
const GIVEN_UP = /^warning: WebSocket connection to '[^']*' failed: WebSocket is closed before the connection is established/

/** What one step did to one visitor's call. */
export interface Outcome extends Findings {
  who: string
  sent: number
  arrived: number
  doubled: number
  /** WebSockets over which an edge answered, and all that were tried. */
  sockets: { answered: number; tried: number }
  /** What was found to be wrong, in words. */
  faults: string[]
}

/** One of the two in the call, and all that is watched of them. */
export class Walker {
  readonly visitor: Visitor
  private readonly other: string
  private readonly relayed: boolean
  private sockets = { answered: 0, tried: 0 }
  private talker!: Talker
  private sampler!: Sampler
  private heard: () => Promise<string[]> = () => Promise.resolve([])
  /** The other's peer id, as it was at first. */
  private peer = ''
  /** The lines typed in this step and in those before; what is typed while it settles is the next one's. */
  private lines: string[] = []
  /** What is told of already. */
  private readonly told = { heard: 0, typed: 0, doubled: new Set<string>() }

  private constructor(visitor: Visitor, other: string, relayed: boolean) {
    this.visitor = visitor
    this.other = other
    this.relayed = relayed
    visitor.watch.allow(...NOBODY_THERE, NOBODY_READY, GIVEN_UP)
    visitor.page.on('websocket', (socket) => {
      this.sockets.tried++
      socket.once('framereceived', () => void this.sockets.answered++)
    })
  }

  static async arrive(browser: TestBrowser, { edges, relayed }: Plan, name: string, other: string): Promise<Walker> {
    const origin = name === 'Ada' ? edges[0] : edges.at(-1)!
    return new Walker(await Visitor.arrive(browser, { name: origin, origin }, name), other, relayed)
  }

  async enter(room: string): Promise<void> {
    await this.visitor.enter(room, this.relayed ? RELAY_ONLY : '')
  }

  /** Begins to talk and to watch, as soon as the call stands. */
  async begin(): Promise<void> {
    const { visitor, other } = this
    await this.mediaFlows(SETTLE_MS)
    await visitor.openChat()
    this.peer = (await visitor.stats(other)).peer
    this.heard = await visitor.listen()
    this.sockets = { answered: 0, tried: 0 }
    this.sampler = new Sampler(visitor, other)
    this.talker = new Talker(visitor)
  }

  /** The step is over: its last line is one that was typed afterwards. Says in words if there is none. */
  async rest(): Promise<string[]> {
    const { said } = this.talker
    // The next may have been begun before.
    const enough = said.length + 2
    const typed = expect.poll(() => said.length, { timeout: SETTLE_MS, message: `lines that ${this.visitor.name} typed` }).toBeGreaterThanOrEqual(enough)
    const faults = await typed.then(() => [], (thrown: Error) => [thrown.message])
    this.lines = this.talker.said.slice(this.told.typed)
    this.told.typed += this.lines.length
    return faults
  }

  /** Waits until all is as it should be after a step, once both rest. Says in words what is not. */
  async settle(step: Step, partner: Walker): Promise<string[]> {
    const { visitor, other } = this
    const timeout = SETTLE_MS + step.maxGapSeconds * 1_000
    const line = () => visitor.session().then(({ state }) => state, String)
    const missing = async () => {
      await this.talker.read()
      return this.talker.missing(partner.lines)
    }
    const all = await Promise.allSettled([
      expect.poll(line, { timeout, message: `${visitor.name}'s line to the mesh` }).toBe('open'),
      this.mediaFlows(timeout),
      expect.poll(missing, { timeout, interval: 250, message: `lines of ${other}'s that never came to ${visitor.name}` }).toEqual([]),
      // A line that the page has given up would still be on its writer's screen.
      expect.poll(() => this.notSent(), { timeout, message: `lines that ${visitor.name}'s page could not send` }).toBe(0),
    ])
    return all.flatMap((one) => (one.status === 'rejected' ? String((one.reason as Error).message) : []))
  }

  /** What became of the call since it was last asked. */
  async outcome(step: Step, partner: Walker): Promise<Outcome> {
    const { visitor, other, told } = this
    const { name } = visitor
    const found = await this.sampler.take()
    const mine = this.lines
    const lost = partner.talker.missing(mine)
    // Those of earlier steps, too: they may have come once more in this one.
    const twice = [this.talker, partner.talker].flatMap((talker) => talker.doubled(this.talker.said))
    const doubled = [...new Set(twice)].filter((line) => !told.doubled.has(line))
    for (const line of doubled) told.doubled.add(line)
    const heard = await this.heard().catch(() => ['the page was loaded anew, or crashed'])
    const gone = heard.slice(told.heard).filter((what) => !/^(line|notice): /.test(what)).map((what) => what.replace('left: ', ''))
    const { sockets } = this
    this.sockets = { answered: 0, tried: 0 }
    const bound = step.maxGapSeconds * 1_000
    const paused = (what: string, ms: number) => ms > bound && `no ${what} of ${other} came to ${name} for ${seconds(ms)}, and ${seconds(bound)} may be`
    const strangers = found.others.filter((peer) => peer !== this.peer)
    const faults = [
      paused('picture', found.noFrame),
      paused('sound', found.noSound),
      lost.length > 0 && `${lost.length} of ${mine.length} lines of ${name}'s did not come to ${other}: ${lost.join(', ')}`,
      doubled.length > 0 && `lines of ${name}'s came twice: ${doubled.join(', ')}`,
      strangers.includes('') && `${other} was not in ${name}'s call for a while`,
      strangers.some(Boolean) && `${other} came back to ${name}'s call as somebody else`,
      gone.length > 0 && `${name} was told that ${other} is gone: ${gone.join(', ')}`,
      !(await visitor.find('call').isVisible()) && `${name} was sent away`,
      this.talker.fault,
      ...visitor.watch.complaints().map((text) => `${name}'s page complains: ${text}`),
    ]
    told.heard = heard.length
    return { ...found, who: name, sent: mine.length, arrived: mine.length - lost.length, doubled: doubled.length, sockets, faults: faults.filter((fault) => typeof fault === 'string') }
  }

  /** The path that media takes now. */
  async path(): Promise<string> {
    const pair = await this.visitor.stats(this.other).then(({ pair }) => pair, () => null)
    if (!pair) return `${this.visitor.name} has no path`
    const { local, remote, protocol, relayURL, ends } = pair
    return `${this.visitor.name}: ${local} to ${remote}, ${ends}, ${protocol}${relayURL && ` by ${relayURL}`}`
  }

  async picture(folder: string, name: string): Promise<void> {
    await mkdir(folder, { recursive: true })
    await this.visitor.page.screenshot({ path: join(folder, `${name}-${this.visitor.name}.png`) })
  }

  async end(): Promise<void> {
    await Promise.all([this.sampler?.end(), this.talker?.end()])
    await this.visitor.depart()
  }

  private async mediaFlows(timeout: number): Promise<void> {
    const { visitor, other, relayed } = this
    const state = () => visitor.stats(other).then(({ connection }) => connection, String)
    await expect.poll(state, { timeout, message: `${visitor.name}'s connection to ${other}` }).toBe('connected')
    await Promise.all([visitor.sees(other), visitor.hears(other)])
    if (relayed) await relayedAtBothEnds(visitor, other)
  }

  private notSent(): Promise<number> {
    return this.visitor.page.locator('[data-testid="chat-line"][data-state="failed"]').count()
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
