import type { Post } from '../wire/wire.gen'
import { freshKey } from './keys'
import type { ChatLine, User } from './state'

/** What a chat line looks like as the data of a post. */
export interface TextData {
  type: 'text'
  id: string
  text: string
}

export interface ChatOptions {
  /** Posts the line, kept, with its id as the key; rejects with a WireError. */
  post: (data: TextData) => Promise<{ mid: string; at: number }>
  changed: () => void
}

// Room history can be longer; a page that stays open for weeks must not be.
const MAX_LINES = 1_000
const MAX_ID = 64
/** In characters; a frame holds 64 KiB, and nobody reads more in a chat. */
export const MAX_TEXT = 8_000

/** The lines of a room's chat, whatever way and however often they came. */
export class Chat {
  private readonly options: ChatOptions
  private lines: ChatLine[] = []
  private me: User | null = null
  /** The lines under way, one after another: one that has to be sent again must not be overtaken by the next. */
  private turn: Promise<void> = Promise.resolve()

  constructor(options: ChatOptions) {
    this.options = options
  }

  /** Oldest first. */
  snapshot(): ChatLine[] {
    return this.lines.map((line) => ({ ...line }))
  }

  /** Whose lines are ours. */
  setMe(user: User): void {
    this.me = user
  }

  /** Whether there is room for earlier lines. */
  get roomy(): boolean {
    return this.lines.length < MAX_LINES
  }

  /**
   * Takes posts from history or live; what is no text is left out. A line that is there already stays as it is, but is now known to have arrived.
   * Returns how many lines are new.
   */
  take(posts: readonly Post[]): number {
    const before = this.lines.length
    for (const { mid, at, user, data } of posts) {
      const text = parseText(data)
      if (!text) continue
      const known = this.find(text.id, user.id)
      if (known) {
        if (known.mine) Object.assign(known, { mid, at, state: 'sent' })
        continue
      }
      this.lines.push({ id: text.id, mid, at, mine: user.id === this.me?.id, from: user.id, name: user.name, text: text.text, state: 'sent' })
    }
    const added = this.lines.length - before
    this.arrange()
    return added
  }

  /** Shows a line of ours and sends it. Settles when it is sent or has failed; the line says which. */
  async send(text: string): Promise<void> {
    const trimmed = text.trim().slice(0, MAX_TEXT)
    if (trimmed === '' || !this.me) return
    const line: ChatLine = {
      id: freshKey(), at: Date.now(), mine: true, from: this.me.id, name: this.me.name, text: trimmed, state: 'sending',
    }
    this.lines.push(line)
    this.arrange()
    await this.deliver(line)
  }

  /** Sends a failed line again. Its id stays, so whoever got it the first time doesn't get it twice. */
  async retry(id: string): Promise<void> {
    const line = this.lines.find((l) => l.id === id && l.mine && l.state === 'failed')
    if (line) await this.deliver(line)
  }

  private deliver(line: ChatLine): Promise<void> {
    line.state = 'sending'
    this.options.changed()
    this.turn = this.turn.then(() => this.post(line))
    return this.turn
  }

  private async post(line: ChatLine): Promise<void> {
    // History may have shown that it had arrived, while it waited for its turn.
    if (line.state !== 'sending') return
    try {
      const { mid, at } = await this.options.post({ type: 'text', id: line.id, text: line.text })
      Object.assign(line, { mid, at, state: 'sent' })
    } catch {
      // It may have come back meanwhile, by history.
      if (line.state === 'sending') line.state = 'failed'
    }
    this.arrange()
  }

  /** Ids are chosen by their writers, so they name a line only together with the writer. */
  private find(id: string, from: string): ChatLine | undefined {
    return this.lines.find((line) => line.id === id && line.from === from)
  }

  private arrange(): void {
    this.lines.sort((a, b) => a.at - b.at)
    if (this.lines.length > MAX_LINES) this.lines.splice(0, this.lines.length - MAX_LINES)
    this.options.changed()
  }
}

function parseText(data: unknown): TextData | null {
  const { type, id, text } = (data ?? {}) as Partial<Record<keyof TextData, unknown>>
  if (type !== 'text' || typeof id !== 'string' || id === '' || id.length > MAX_ID || typeof text !== 'string') return null
  return { type, id, text: text.slice(0, MAX_TEXT) }
}
