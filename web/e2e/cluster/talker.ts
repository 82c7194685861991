import { setTimeout as after } from 'node:timers/promises'
import type { Visitor } from '../harness/visitor'

const EVERY_MS = 1_000

/** Types a numbered line a second, and reads what there is to read, until it is ended. A page keeps a thousand lines, so it is read all along. */
export class Talker {
  readonly said: string[] = []
  /** What keeps the visitor from writing; null if nothing does. */
  fault: string | null = null
  private readonly visitor: Visitor
  /** How often each line was ever seen on this page at once. */
  private readonly seen = new Map<string, number>()
  private running = true
  private readonly work: Promise<void>

  constructor(visitor: Visitor) {
    this.visitor = visitor
    this.work = this.run()
  }

  /** Reads what the page shows now. */
  async read(): Promise<void> {
    const now = new Map<string, number>()
    for (const line of await this.visitor.reads()) now.set(line, (now.get(line) ?? 0) + 1)
    for (const [line, times] of now) this.seen.set(line, Math.max(times, this.seen.get(line) ?? 0))
  }

  /** Which of these were never on this page. */
  missing(lines: readonly string[]): string[] {
    return lines.filter((line) => !this.seen.has(line))
  }

  /** Which of these were there twice. */
  doubled(lines: readonly string[]): string[] {
    return lines.filter((line) => (this.seen.get(line) ?? 0) > 1)
  }

  async end(): Promise<void> {
    this.running = false
    await this.work
  }

  private async run(): Promise<void> {
    while (this.running) {
      const pace = after(EVERY_MS)
      const line = `${this.visitor.name} says ${this.said.length + 1}`
      try {
        await this.visitor.say(line)
        this.said.push(line)
        await this.read()
        this.fault = null
      } catch (thrown) {
        this.fault = `${this.visitor.name} could not write: ${String(thrown)}`
      }
      await pace
    }
  }
}
