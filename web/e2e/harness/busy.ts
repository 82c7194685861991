import { spawn } from 'node:child_process'

/** Runs something beside so many loops that take all the processor they get. */
export async function beside<T>(loops: number, what: () => Promise<T>): Promise<T> {
  const running = Array.from({ length: loops }, () => spawn(process.execPath, ['-e', 'for (;;);']))
  try {
    return await what()
  } finally {
    for (const loop of running) loop.kill('SIGKILL')
  }
}
