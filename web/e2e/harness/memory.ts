import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'

const MIB = 1 << 20

/** The processes of all pages of a page's browser. */
export async function renderers(page: Page): Promise<number[]> {
  const browser = await page.context().browser()!.newBrowserCDPSession()
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo')
  await browser.detach()
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
}

/** Tells what a page holds now, in MiB, after a collection in it and in its workers: its heap, and what its processes, its workers with them, share with no other. */
export async function useScales(page: Page): Promise<() => Promise<{ heap: number; process: number }>> {
  const processes = await renderers(page)
  const session = await page.context().newCDPSession(page)
  return async () => {
    await session.send('HeapProfiler.collectGarbage')
    // That leaves the heaps of workers alone, and with them the pictures and pieces that these have long done with.
    await Promise.all(page.workers().map((worker) => worker.evaluate(() => (globalThis as unknown as { gc(): void }).gc())))
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    const held = await Promise.all(processes.map(heldBy))
    return { heap: usedSize / MIB, process: held.reduce((sum, one) => sum + one, 0) }
  }
}

async function heldBy(process: number): Promise<number> {
  const smaps = await readFile(`/proc/${process}/smaps_rollup`, 'utf8')
  return Number(/^Private_Dirty:\s+(\d+)/m.exec(smaps)?.[1] ?? NaN) / 1024
}
