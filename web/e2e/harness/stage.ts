import type { BrowserContextOptions } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { TestBrowser, type BrowserOptions } from './browser'
import { Mesh } from './mesh'
import { Visitor } from './visitor'

/** Where a visitor's page comes from: an edge, or an address for both. */
type At = 'a' | 'b' | 'alone' | 'stranded' | 'secured' | 'relayed' | 'viaA' | 'viaB'

/** What the tests of one file play on: a mesh of two edges, a browser, and visitors, who all leave after each test. */
export class Stage {
  private running: { mesh: Mesh; browser: TestBrowser } | null = null
  private extra: TestBrowser[] = []
  private visitors: Visitor[] = []
  private rooms = 0

  get mesh(): Mesh {
    return this.open.mesh
  }

  /** A room in which nobody was before. */
  room(): string {
    return `room-${process.pid}-${++this.rooms}`
  }

  async visit(at: At, name: string, options: BrowserContextOptions = {}, browser = this.open.browser): Promise<Visitor> {
    const address = this.mesh[at]
    if (!address) throw new Error(`edge ${at} is not started`)
    const visitor = await Visitor.arrive(browser, address, name, options)
    this.visitors.push(visitor)
    return visitor
  }

  /** Another browser, until the end of the test. */
  async browser(options: BrowserOptions): Promise<TestBrowser> {
    const browser = await TestBrowser.start(options)
    this.extra.push(browser)
    return browser
  }

  /** Ada at edge a and Bo at edge b, in a room of their own, who see each other. */
  async call(query = '', at: [At, At] = ['a', 'b']): Promise<[ada: Visitor, bo: Visitor]> {
    const room = this.room()
    const [ada, bo] = await Promise.all([this.visit(at[0], 'Ada'), this.visit(at[1], 'Bo')])
    await Promise.all([ada.enter(room, query), bo.enter(room, query)])
    await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
    return [ada, bo]
  }

  /** Ada, with a camera from this file, and Bo, who see each other. */
  async watched(camera: string): Promise<[ada: Visitor, bo: Visitor]> {
    const browser = await this.browser({ camera })
    const room = this.room()
    const [ada, bo] = await Promise.all([this.visit('a', 'Ada', {}, browser), this.visit('b', 'Bo')])
    await Promise.all([ada.enter(room), bo.enter(room)])
    await Promise.all([bo.sees('Ada'), ada.sees('Bo')])
    return [ada, bo]
  }

  async start(): Promise<void> {
    const mesh = await Mesh.start()
    try {
      this.running = { mesh, browser: await TestBrowser.start() }
    } catch (error) {
      await mesh.stop()
      throw error
    }
  }

  async clear(failed: boolean): Promise<void> {
    const { visitors, extra } = this
    this.visitors = []
    this.extra = []
    const complaints = visitors.flatMap((visitor) => visitor.watch.complaints().map((text) => `${visitor.name}: ${text}`))
    if (failed || complaints.length) {
      const flows = await Promise.all(visitors.map((visitor) => visitor.flows()))
      console.error([...visitors.map((visitor) => visitor.log()), ...flows, this.running?.mesh.log() ?? ''].join('\n'))
    }
    await Promise.all(visitors.map((visitor) => visitor.depart()))
    await Promise.all(extra.map((browser) => browser.close()))
    // Whatever a test is about, no page may do these things.
    expect(complaints, 'errors, violations of the CSP and requests to other origins').toEqual([])
  }

  async stop(): Promise<void> {
    await this.running?.browser.close()
    await this.running?.mesh.stop()
    this.running = null
  }

  private get open(): { mesh: Mesh; browser: TestBrowser } {
    if (!this.running) throw new Error('the stage is not set: use it in a test')
    return this.running
  }
}

/** Sets the stage for the tests of the calling file. */
export function useStage(): Stage {
  const stage = new Stage()
  beforeAll(() => stage.start())
  afterEach(({ task }) => stage.clear(task.result?.state === 'fail'))
  afterAll(() => stage.stop())
  return stage
}
