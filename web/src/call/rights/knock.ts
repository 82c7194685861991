import type { SignalClient } from '../../signal/client'
import { asWireError } from '../../signal/errors'

/**
 * How a knock stands. `waiting`: moderators have been told. `nobody`: none is there, it is tried again. `admitted` and `open`: join now.
 * `refused`: a moderator said no. `barred`: we are kept out. `failed`: it could not be asked.
 */
export type KnockState = 'asking' | 'waiting' | 'nobody' | 'admitted' | 'open' | 'refused' | 'barred' | 'failed'

/** At which room to knock, and who is to know what comes of it. */
export interface KnockOptions {
  room: string
  signal: SignalClient
  /** `pass` comes with `admitted`, and is for join. */
  changed: (state: KnockState, pass?: string) => void
}

/** A knock is good for a minute, and moderators come and go. */
const AGAIN_MS = 20_000
const NOBODY_MS = 10_000
const MAX_FAILURES = 5

/** Asks to be let into a locked room, and goes on asking until there is an answer or {@link close}. */
export class Knock {
  private readonly options: KnockOptions
  private readonly unlisten: () => void
  private timer: ReturnType<typeof setTimeout> | undefined
  private failures = 0
  private over = false

  constructor(options: KnockOptions) {
    this.options = options
    this.unlisten = options.signal.on('admitted', (event) => {
      if (event.room === options.room) this.end(event.accept ? 'admitted' : 'refused', event.pass)
    })
    options.changed('asking')
    void this.ask()
  }

  /** Asks no more; whoever admits us now is not heard. */
  close(): void {
    this.over = true
    clearTimeout(this.timer)
    this.unlisten()
  }

  private async ask(): Promise<void> {
    try {
      await this.options.signal.request('knock', { room: this.options.room })
      if (this.over) return
      this.failures = 0
      this.options.changed('waiting')
      this.later(AGAIN_MS)
    } catch (thrown) {
      if (this.over) return
      const { code } = asWireError(thrown)
      if (code === 'offline') {
        this.options.changed('nobody')
        this.later(NOBODY_MS)
      } else if (code === 'bad_request') {
        this.end('open')
      } else if (code === 'forbidden') {
        this.end('barred')
      } else if (++this.failures >= MAX_FAILURES) {
        this.end('failed')
      } else {
        this.later(NOBODY_MS)
      }
    }
  }

  private later(ms: number): void {
    this.timer = setTimeout(() => void this.ask(), ms)
  }

  private end(state: KnockState, pass?: string): void {
    if (this.over) return
    this.close()
    this.options.changed(state, pass)
  }
}
