import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { giveClapper, syncOf } from '../harness/clapper'
import { elapsed, openLibrary, useDownloads } from '../harness/recordings'
import { useStage } from '../harness/stage'

const stage = useStage()
const downloaded = useDownloads()
/** `make recording-sync` asks for 20. */
const MINUTES = Number(process.env.RECORDING_MINUTES ?? 1)
const MIB = 1 << 20

/** MiB that the page's process and its workers hold, without what they share with others. */
async function heldBy(process: number): Promise<number> {
  const smaps = await readFile(`/proc/${process}/smaps_rollup`, 'utf8')
  return Number(/^Private_Dirty:\s+(\d+)/m.exec(smaps)?.[1] ?? NaN) / 1024
}

test('how far a recording’s picture and sound come apart, and what it holds in memory', { timeout: (MINUTES + 5) * 90_000 }, async () => {
  const ada = await stage.visit('a', 'Ada')
  await giveClapper(ada.page)
  await ada.enter(stage.room())
  const browser = await ada.page.context().browser()!.newBrowserCDPSession()
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo')
  const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
  const held = async () => (await Promise.all(renderers.map(heldBy))).reduce((sum, one) => sum + one, 0)
  const heap = await ada.page.context().newCDPSession(ada.page)
  const used = async () => {
    await heap.send('HeapProfiler.collectGarbage')
    return (await heap.send('Runtime.getHeapUsage')).usedSize / MIB
  }

  await ada.find('record').click()
  const reached = (minutes: number) => expect.poll(() => elapsed(ada), { timeout: (minutes + 2) * 60_000, interval: 500 }).toBeGreaterThanOrEqual(60 * minutes)
  await reached(Math.min(1, MINUTES / 4))
  const [heapBefore, before] = [await used(), await held()]
  await reached(MINUTES)
  const [heapAfter, after] = [await used(), await held()]
  await ada.find('recording-stop').click()
  await ada.notice('recording-saved').waitFor({ timeout: 120_000 })
  await openLibrary(ada)
  const { first, last, minutes } = await syncOf(await downloaded(ada, 'download-webm'))

  const ms = (value: number) => `${value.toFixed(1)} ms`
  console.log(
    `recording-sync | picture behind sound over ${minutes.toFixed(1)} min of a recording | first ${ms(first)}, last ${ms(last)} | apart by ${ms(Math.abs(last - first))} | bound 40 ms`,
  )
  console.log(
    `recording-memory | the page after ${MINUTES} min of recording | heap ${heapBefore.toFixed(1)} to ${heapAfter.toFixed(1)} MiB | process ${before.toFixed(0)} to ${after.toFixed(0)} MiB`,
  )
  expect(minutes).toBeGreaterThan(MINUTES - 0.2)
})
