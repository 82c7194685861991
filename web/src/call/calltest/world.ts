/** A small source of repeatable chance (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Lets every promise that can go on without the world go on. */
export async function flush(): Promise<void> {
  for (let i = 0; i < 40; i++) await Promise.resolve()
}

/**
 * Everything that takes time in a test: operations of connections, messages on their way. The next thing to happen is drawn by chance, except that
 * what is queued under one name keeps its order. So a seed is one interleaving, and many seeds are nearly all of them.
 */
export class World {
  readonly random: () => number
  private readonly queues = new Map<string, (() => void)[]>()

  constructor(seed: number) {
    this.random = chance(seed)
  }

  later(queue: string, run: () => void): void {
    const waiting = this.queues.get(queue)
    if (waiting) waiting.push(run)
    else this.queues.set(queue, [run])
  }

  /** A turn of a named operation. */
  turn(queue: string): Promise<void> {
    return new Promise((resolve) => this.later(queue, resolve))
  }

  /** Lets one thing happen; false when there is nothing left to happen. */
  async step(): Promise<boolean> {
    await flush()
    const names = [...this.queues.keys()]
    const name = names[Math.floor(this.random() * names.length)]
    if (name === undefined) return false
    const queue = this.queues.get(name) ?? []
    const run = queue.shift()
    if (queue.length === 0) this.queues.delete(name)
    run?.()
    await flush()
    return true
  }

  async settle(limit = 2_000): Promise<void> {
    for (let i = 0; await this.step(); i++) if (i === limit) throw new Error('the world does not come to rest')
  }
}
