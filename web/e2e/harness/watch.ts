import type { BrowserContext, Page } from 'playwright-core'

/** What the browser itself reports of an address where nobody listens, or that lets go at once. */
export const NOBODY_THERE = [/^error: WebSocket connection to '\S+' failed/, /^error: Failed to load resource: net::ERR_/]

/** What a page does that it must not do, and what it says. */
export class Watch {
  private readonly said: string[] = []
  private readonly wrong: string[] = []
  private readonly allowed: RegExp[] = []
  /** Where anything was asked for. */
  readonly origins = new Set<string>()
  private readonly own: string

  constructor(own: string) {
    this.own = own
  }

  async attach(context: BrowserContext): Promise<void> {
    context.on('request', (request) => this.asked(request.url()))
    context.on('page', (page) => this.watch(page))
    await context.exposeFunction('callmeshViolation', (text: string) => this.complain(`CSP violation: ${text}`))
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        const { callmeshViolation } = window as unknown as { callmeshViolation: (text: string) => void }
        callmeshViolation(`${event.effectiveDirective} blocked ${event.blockedURI || event.sample}`)
      })
    })
  }

  /** Lets complaints pass that what happens in a test must bring about, such as a WebSocket that cannot be opened. */
  allow(...patterns: RegExp[]): void {
    this.allowed.push(...patterns)
  }

  /** What was wrong and not allowed. */
  complaints(): string[] {
    return this.wrong.filter((complaint) => !this.allowed.some((pattern) => pattern.test(complaint)))
  }

  log(): string {
    return this.said.slice(-100).join('\n')
  }

  private watch(page: Page): void {
    page.on('websocket', (socket) => this.asked(socket.url()))
    page.on('pageerror', (error) => this.complain(`uncaught: ${error.stack ?? error.message}`))
    page.on('crash', () => this.complain('the page crashed'))
    page.on('console', (message) => {
      const where = message.location().url
      const text = `${message.type()}: ${message.text()}${where ? ` (${where})` : ''}`
      if (message.type() === 'error' || message.type() === 'warning') this.complain(text)
      else this.said.push(text)
    })
  }

  private asked(url: string): void {
    const { protocol, host } = new URL(url)
    if (protocol === 'data:' || protocol === 'blob:') return
    const origin = `${protocol.replace('ws', 'http')}//${host}`
    this.origins.add(origin)
    if (origin !== this.own) this.complain(`a request to another origin: ${url}`)
  }

  private complain(text: string): void {
    this.said.push(text)
    this.wrong.push(text)
  }
}
