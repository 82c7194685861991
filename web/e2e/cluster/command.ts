import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Step } from './plan'

const GRACE_MS = 5_000

/** Runs a step's command to its end and shows each line that it says. Resolves with what went wrong, null if nothing did. */
export function run({ name, command, timeoutSeconds }: Step, cwd: string): Promise<string | null> {
  const [program, ...args] = command
  return new Promise((resolve) => {
    // A group of its own, so that whatever it has started ends with it.
    const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => console.log(`${name} | ${line}`))
    let late = false
    const timers: NodeJS.Timeout[] = []
    const end = (signal: NodeJS.Signals) => {
      late = true
      try {
        process.kill(-child.pid!, signal)
      } catch {
        // It has just ended.
      }
    }
    timers.push(setTimeout(() => end('SIGTERM'), timeoutSeconds * 1_000), setTimeout(() => end('SIGKILL'), timeoutSeconds * 1_000 + GRACE_MS))
    const done = (fault: string | null) => {
      timers.forEach(clearTimeout)
      resolve(fault)
    }
    child.on('error', (error) => done(`${program} could not be started: ${error.message}`))
    // Not `close`: what it leaves running in the background may hold its output open.
    child.on('exit', (code, signal) => done(late ? `${program} took longer than ${timeoutSeconds} s` : code === 0 ? null : `${program} ended with ${signal ?? code}`))
  })
}
