import type { WireError } from '../signal/errors'
import { asWireError } from '../signal/errors'
import { backoff } from '../signal/backoff'
import { freshKey } from './keys'
import type { LinkMessage } from './messages'
import { MAX_CANDIDATES } from './messages'
import { pause } from './pause'

/** Brings a message to the peer; rejects with a WireError. */
export type SendSignal = (data: LinkMessage, key: string) => Promise<unknown>

// no_such_peer may only mean that an edge died and the peer is about to resume at another.
const RETRY: ReadonlySet<WireError['code']> = new Set(['unavailable', 'internal', 'rate_limited', 'no_such_peer'])
const MAX_TRIES = 12
const MAX_WAITING = 512

/**
 * Sends messages to one peer, each once and in order: the next goes out when the last was accepted. One whose fate is unknown is sent again
 * with the same key, by which the receiving edge drops the repeat.
 */
export class Outbox {
  private readonly deliver: SendSignal
  private readonly random: () => number
  private waiting: LinkMessage[] = []
  private running = false
  private readonly closing = new AbortController()

  constructor(deliver: SendSignal, random: () => number = Math.random) {
    this.deliver = deliver
    this.random = random
  }

  push(message: LinkMessage): void {
    if (this.closing.signal.aborted) return
    const last = this.waiting.at(-1)
    if (message.type === 'candidates' && last?.type === 'candidates' && joins(last, message)) {
      this.waiting[this.waiting.length - 1] = { ...last, candidates: [...last.candidates, ...message.candidates] }
    } else if (this.waiting.length < MAX_WAITING) {
      this.waiting.push(message)
    }
    if (!this.running) void this.run()
  }

  /** Drops what was not sent yet. */
  clear(): void {
    this.waiting = []
  }

  close(): void {
    this.clear()
    this.closing.abort()
  }

  private async run(): Promise<void> {
    this.running = true
    // A turn later, so that a description and the candidates found at once are seen together.
    await Promise.resolve()
    for (let message = this.waiting.shift(); message; message = this.waiting.shift()) await this.send(message)
    this.running = false
  }

  private async send(message: LinkMessage): Promise<void> {
    const key = freshKey()
    for (let tries = 0; !this.closing.signal.aborted; tries++) {
      try {
        await this.deliver(message, key)
        return
      } catch (thrown) {
        // Any other refusal holds for a repeat as well; the link notices by itself that it gets nowhere.
        if (!RETRY.has(asWireError(thrown).code) || tries >= MAX_TRIES) return
        await pause(backoff(tries, this.random, { base: 250, cap: 5_000 }), this.closing.signal)
      }
    }
  }
}

function joins(last: LinkMessage & { type: 'candidates' }, next: LinkMessage & { type: 'candidates' }): boolean {
  return last.link === next.link && last.for === next.for && last.candidates.length + next.candidates.length <= MAX_CANDIDATES
}
