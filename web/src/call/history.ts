import type { HistoryOk, Post } from '../wire/wire.gen'
import type { EarlierState } from './state'

export interface HistoryOptions {
  /** Rejects with a WireError. */
  read: (before?: string) => Promise<HistoryOk>
  /** Returns how many of them are new to the reader. */
  take: (posts: readonly Post[]) => number
  /** Whether the chat can show still more. */
  room: () => boolean
  changed: () => void
}

/** A page of earlier posts may hold none that is shown; so many are read for one wish. */
const MAX_PAGES = 3

/** What was said in a room before: the latest as one comes in, and earlier ones when they are wished for. */
export class History {
  earlier: EarlierState = 'none'

  private readonly options: HistoryOptions
  /** The mid of the oldest post that was read. */
  private cursor: string | null = null

  constructor(options: HistoryOptions) {
    this.options = options
  }

  /** Reads the latest, also again after something may have been missed. */
  async latest(): Promise<void> {
    try {
      const { posts, more } = await this.options.read()
      this.options.take(posts)
      if (this.cursor !== null) return
      this.follow(posts, more)
    } catch {
      // The call is worth more than what was said before it; new lines come all the same.
    }
  }

  /** Reads what came before. */
  async readEarlier(): Promise<void> {
    let { cursor } = this
    if (cursor === null || (this.earlier !== 'more' && this.earlier !== 'failed')) return
    this.become('loading')
    try {
      let more = true
      for (let pages = 0, shown = 0; more && pages < MAX_PAGES && shown === 0; pages++) {
        const page: HistoryOk = await this.options.read(cursor)
        shown = this.options.take(page.posts)
        more = page.more && page.posts.length > 0
        this.cursor = cursor = page.posts[0]?.mid ?? cursor
      }
      this.become(more && this.options.room() ? 'more' : 'none')
    } catch {
      this.become('failed')
    }
  }

  private follow(posts: readonly Post[], more: boolean): void {
    this.cursor = posts[0]?.mid ?? null
    this.become(more && this.cursor !== null && this.options.room() ? 'more' : 'none')
  }

  private become(state: EarlierState): void {
    this.earlier = state
    this.options.changed()
  }
}
