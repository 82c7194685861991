/** What of a document is needed to know whether anybody looks. */
export type Visibility = Pick<Document, 'visibilityState' | 'addEventListener' | 'removeEventListener'>

/**
 * Calls at a steady pace while the page is seen, and at once when it is seen again. For what is measured only to be shown.
 */
export class Pulse {
  private readonly beat: () => void
  private readonly everyMs: number
  private readonly page: Visibility | undefined
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(everyMs: number, beat: () => void, page: Visibility | undefined = globalThis.document) {
    this.everyMs = everyMs
    this.beat = beat
    this.page = page
    page?.addEventListener('visibilitychange', this.look)
    this.look()
  }

  stop(): void {
    this.page?.removeEventListener('visibilitychange', this.look)
    this.pause()
  }

  private readonly look = (): void => {
    if (this.page?.visibilityState === 'hidden') {
      this.pause()
    } else if (this.timer === undefined) {
      this.beat()
      this.timer = setInterval(this.beat, this.everyMs)
    }
  }

  private pause(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }
}
