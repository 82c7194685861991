import type { Sample } from './sample'

/** What is kept of each sample, in this order. */
export const COLUMNS = ['at', 'rttMs', 'lossIn', 'lossOut', 'bpsIn', 'bpsOut', 'height', 'fps'] as const

export type Column = (typeof COLUMNS)[number]

/** The latest samples of one link: a ring of fixed size, so a call of a day takes no more than one of a quarter of an hour. */
export class History {
  private readonly size: number
  private readonly rings: Record<Column, Float64Array>
  private count = 0

  constructor(size = 450) {
    this.size = size
    this.rings = Object.fromEntries(COLUMNS.map((column) => [column, new Float64Array(size)])) as Record<Column, Float64Array>
  }

  get length(): number {
    return Math.min(this.count, this.size)
  }

  push(sample: Sample): void {
    const picture = sample.received.screen ?? sample.received.camera
    const row: Record<Column, number | null> = {
      at: sample.at, rttMs: sample.rttMs, lossIn: sample.lossIn, lossOut: sample.lossOut, bpsIn: sample.bpsIn, bpsOut: sample.bpsOut,
      height: picture?.height ?? null, fps: picture?.fps ?? null,
    }
    for (const column of COLUMNS) this.rings[column][this.count % this.size] = row[column] ?? NaN
    this.count++
  }

  /** One column, oldest first; null where nothing was known. */
  column(name: Column): (number | null)[] {
    const first = this.count - this.length
    return Array.from({ length: this.length }, (_, i) => {
      const value = this.rings[name][(first + i) % this.size]
      return value === undefined || Number.isNaN(value) ? null : value
    })
  }
}

/**
 * A whole call in at most so many points: when they are used up, two and two become one, which stands for twice the time.
 */
export class Overview {
  private readonly most: number
  private points: number[] = []
  /** How many values one point stands for. */
  private each = 1
  private sum = 0
  private summed = 0

  constructor(most = 240) {
    this.most = most
  }

  push(value: number): void {
    this.sum += value
    if (++this.summed < this.each) return
    this.points.push(this.sum / this.summed)
    this.sum = this.summed = 0
    if (this.points.length < this.most) return
    this.points = Array.from({ length: this.most >> 1 }, (_, i) => ((this.points[2 * i] ?? 0) + (this.points[2 * i + 1] ?? 0)) / 2)
    this.each *= 2
  }

  /** Oldest first. */
  values(): number[] {
    return this.summed ? [...this.points, this.sum / this.summed] : [...this.points]
  }
}
