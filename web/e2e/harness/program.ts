import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const START_MS = 45_000
const KEPT_LINES = 2_000

const running = new Set<ChildProcess>()

function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

// Nothing outlives the tests, however they end.
process.once('exit', killAll)
process.once('SIGTERM', () => {
  killAll()
  process.exit(143)
})

/** A program under test: a process, and all that it has said. */
export class Program {
  readonly name: string
  private readonly child: ChildProcess
  private readonly said: string[] = []
  private readonly listeners = new Set<() => void>()
  private ended: string | null = null

  constructor(name: string, command: string, args: string[], env: Record<string, string> = {}) {
    this.name = name
    // Settings of whoever runs the tests must not reach what is tested.
    const { PATH = '', HOME = '' } = process.env
    this.child = spawn(command, args, { env: { PATH, HOME, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(this.child)
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.said.push(line)
        if (this.said.length > KEPT_LINES) this.said.shift()
        this.tell()
      })
    }
    this.child.on('error', (error) => this.end(`could not be started: ${error.message}`))
    this.child.on('exit', (code, signal) => this.end(`ended with ${signal ?? code}`))
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Waits until a line matches; rejects if the program ends before it says so. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const find = (): RegExpExecArray | null => {
      for (const line of this.said) {
        const match = pattern.exec(line)
        if (match) return match
      }
      return null
    }
    return new Promise((resolve, reject) => {
      const done = (act: () => void) => {
        clearTimeout(timer)
        this.listeners.delete(look)
        act()
      }
      const look = () => {
        const match = find()
        if (match) done(() => resolve(match))
        else if (this.ended) done(() => reject(new Error(`${this.name} ${this.ended}\n${this.log()}`)))
      }
      const timer = setTimeout(() => done(() => reject(new Error(`${this.name} never said ${pattern}\n${this.log()}`))), START_MS)
      this.listeners.add(look)
      look()
    })
  }

  /** Ends the process and waits until it has gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.ended) return
    const exit = once(this.child, 'exit')
    this.child.kill(signal)
    await exit
  }

  log(lines = 200): string {
    return [`--- ${this.name}${this.ended ? ` (${this.ended})` : ''}`, ...this.said.slice(-lines)].join('\n')
  }

  private end(how: string): void {
    this.ended ??= how
    running.delete(this.child)
    this.tell()
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener()
  }
}
