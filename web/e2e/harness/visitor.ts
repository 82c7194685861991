import { type BrowserContext, type BrowserContextOptions, type Locator, type Page } from 'playwright-core'
import { expect } from 'vitest'
import type { TestBrowser } from './browser'
import { flowReport, linkStats, type LinkStats } from './stats'
import { Watch } from './watch'

/** Frames that rise by so many have not merely been in some buffer. */
const FRAMES = 10
const MEDIA_MS = 30_000

/** Where a page comes from. */
export interface Address {
  readonly name: string
  readonly origin: string
}

/** Someone with a browser profile of their own, at the page of one edge. */
export class Visitor {
  readonly name: string
  readonly edge: Address
  readonly page: Page
  readonly watch: Watch
  private readonly context: BrowserContext

  private constructor(name: string, edge: Address, page: Page, watch: Watch) {
    this.name = name
    this.edge = edge
    this.page = page
    this.watch = watch
    this.context = page.context()
  }

  static async arrive(browser: TestBrowser, edge: Address, name: string, options: BrowserContextOptions = {}): Promise<Visitor> {
    // A page that is kept for later would hide what a test does to the network; the test of that allows it.
    const context = await browser.chromium.newContext({ locale: 'en-GB', viewport: { width: 800, height: 600 }, serviceWorkers: 'block', ...options })
    context.setDefaultTimeout(20_000)
    const watch = new Watch(edge.origin)
    watch.allow(/Service Worker registration blocked by Playwright/)
    await watch.attach(context)
    return new Visitor(name, edge, await context.newPage(), watch)
  }

  /** What has this data-testid. */
  find(testId: string): Locator {
    return this.page.getByTestId(testId)
  }

  tile(name: string): Locator {
    return this.find('tile').filter({ has: this.page.getByText(name, { exact: true }) })
  }

  notice(id: string): Locator {
    return this.page.locator(`[data-testid="notice"][data-notice="${id}"]`)
  }

  async open(path: string): Promise<void> {
    await this.page.goto(this.edge.origin + path)
  }

  /** From the lobby into the room. */
  async join(): Promise<void> {
    await this.find('name').fill(this.name)
    await this.find('join').click()
    await this.find('call').waitFor()
  }

  async enter(room: string, query = ''): Promise<void> {
    await this.open(`/r/${room}${query}`)
    await this.join()
  }

  async leave(): Promise<void> {
    await this.find('leave').click()
    await this.find('again').waitFor()
  }

  async openChat(): Promise<void> {
    await this.find('chat').click()
    await this.find('chat-input').waitFor()
  }

  async say(text: string): Promise<void> {
    await this.find('chat-input').fill(text)
    await this.find('chat-send').click()
  }

  /** What the chat shows, top down. */
  async reads(): Promise<string[]> {
    return this.find('chat-line').locator('.text').allInnerTexts()
  }

  stats(of: string): Promise<LinkStats> {
    return linkStats(this.page, of)
  }

  /** Waits until pictures of somebody's camera go on being decoded. */
  async sees(name: string, frames = FRAMES): Promise<void> {
    const more = this.rise(name, 'cameraFrames')
    const what = `frames of ${name} that ${this.name} decoded`
    await expect.poll(more, { timeout: MEDIA_MS, message: what }).toBeGreaterThanOrEqual(frames).catch(async (thrown: unknown) => {
      throw new Error(`${what}: ${await more()} of ${frames}. ${await this.flowsOf(name)}`, { cause: thrown })
    })
  }

  /** Waits until somebody's sound arrives and is no silence. */
  async hears(name: string): Promise<void> {
    const more = this.rise(name, 'audioEnergy')
    // A second of the quietest speech, at 1% of full scale, has an energy of 0.0001.
    await expect.poll(more, { timeout: MEDIA_MS, message: `energy of ${name}'s sound at ${this.name}` }).toBeGreaterThan(1e-4)
    const level = () => this.stats(name).then(({ audioLevel }) => audioLevel, () => -1)
    await expect.poll(level, { timeout: MEDIA_MS, interval: 100, message: `level of ${name}'s sound at ${this.name}` }).toBeGreaterThan(0.01)
  }

  /** Tells by how much a count has risen since it was first read. A connection that takes the place of another counts anew, from what it is found with. */
  private rise(name: string, count: 'cameraFrames' | 'audioEnergy'): () => Promise<number> {
    let from = { peer: '', count: 0 }
    return async () => {
      const stats = await this.stats(name).catch(() => null)
      if (!stats) return 0
      const now = { peer: stats.peer, count: stats[count] }
      if (now.peer !== from.peer || now.count < from.count) from = now
      return now.count - from.count
    }
  }

  /** Takes the page's network away, or gives it back; what flows between peers is not touched. */
  async setOffline(offline: boolean): Promise<void> {
    await this.context.setOffline(offline)
  }

  /** Whose session the page has, on which edge, and how the line stands. */
  session(): Promise<{ state: string; session: string; peer: string; edge: string }> {
    return this.page.evaluate(() => {
      const { state, hello } = window.callmesh!.signal
      return { state, session: hello?.session ?? '', peer: hello?.peer ?? '', edge: hello?.edge ?? '' }
    })
  }

  /** From now on, notes every change of the line, every notice over the call, and everybody who leaves; the returned function tells them. */
  async listen(): Promise<() => Promise<string[]>> {
    const noted = await this.page.evaluateHandle(() => {
      const noted: string[] = []
      const { signal } = window.callmesh!
      signal.onState((state) => noted.push(`line: ${state}`))
      signal.on('left', ({ reason }) => noted.push(`left: ${reason}`))
      const notices = new Set<string>()
      new MutationObserver(() => {
        for (const { dataset } of document.querySelectorAll<HTMLElement>('[data-testid="notice"]')) {
          const { notice = '' } = dataset
          if (!notices.has(notice)) noted.push(`notice: ${notice}`)
          notices.add(notice)
        }
      }).observe(document.body, { childList: true, subtree: true })
      return noted
    })
    return () => noted.evaluate((all) => [...all])
  }

  /** Remembers the page's connections; the returned function tells whether they are still the same objects. */
  async holdConnections(): Promise<() => Promise<boolean>> {
    const held = await this.page.evaluateHandle(() => [...window.callmesh!.peerConnections().values()])
    return () =>
      held.evaluate((before) => {
        const now = [...window.callmesh!.peerConnections().values()]
        return now.length === before.length && now.every((connection, index) => connection === before[index])
      })
  }

  log(): string {
    return `--- page of ${this.name}, at edge ${this.edge.name}\n${this.watch.log()}`
  }

  /** What flows over the page's connections; a page that does not answer any more says so. */
  async flows(): Promise<string> {
    const late = new Promise<string[]>((resolve) => setTimeout(() => resolve(['(no answer)']), 5_000))
    const lines = await Promise.race([flowReport(this.page), late]).catch((thrown: unknown) => [String(thrown)])
    return [`--- connections of ${this.name}`, ...lines].join('\n')
  }

  /** Of those, what is said of one peer's pictures. */
  private async flowsOf(name: string): Promise<string> {
    const lines = (await this.flows()).split('\n')
    const from = lines.findIndex((line) => line.startsWith(`${name}: `))
    if (from < 0) return `no connection to ${name}, but: ${lines.filter((line) => !line.startsWith(' ')).join('; ')}`
    const to = lines.findIndex((line, index) => index > from && !line.startsWith(' '))
    return lines.slice(from, to < 0 ? undefined : to).map((line) => line.trim()).join('; ')
  }

  async depart(): Promise<void> {
    await this.context.close()
  }
}
