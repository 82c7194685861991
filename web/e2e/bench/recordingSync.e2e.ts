import { expect, test } from 'vitest'
import { giveClapper, syncOf } from '../harness/clapper'
import { useScales } from '../harness/memory'
import { elapsed, openLibrary, useDownloads } from '../harness/recordings'
import { useStage } from '../harness/stage'

const stage = useStage()
const downloaded = useDownloads()
/** `make recording-sync` asks for 20. */
const MINUTES = Number(process.env.RECORDING_MINUTES ?? 1)

test('how far a recording’s picture and sound come apart, and what it holds in memory', { timeout: (MINUTES + 5) * 90_000 }, async () => {
  const ada = await stage.visit('a', 'Ada')
  await giveClapper(ada.page)
  await ada.enter(stage.room())
  const weigh = await useScales(ada.page)

  await ada.find('record').click()
  const reached = (minutes: number) => expect.poll(() => elapsed(ada), { timeout: (minutes + 2) * 60_000, interval: 500 }).toBeGreaterThanOrEqual(60 * minutes)
  await reached(Math.min(1, MINUTES / 4))
  const before = await weigh()
  await reached(MINUTES)
  const after = await weigh()
  await ada.find('recording-stop').click()
  await ada.notice('recording-saved').waitFor({ timeout: 120_000 })
  await openLibrary(ada)
  const { first, last, minutes } = await syncOf(await downloaded(ada, 'download-webm'))

  const ms = (value: number) => `${value.toFixed(1)} ms`
  console.log(
    `recording-sync | picture behind sound over ${minutes.toFixed(1)} min of a recording | first ${ms(first)}, last ${ms(last)} | apart by ${ms(Math.abs(last - first))} | bound 40 ms`,
  )
  console.log(
    `recording-memory | the page after ${MINUTES} min of recording | heap ${before.heap.toFixed(1)} to ${after.heap.toFixed(1)} MiB | process ${before.process.toFixed(0)} to ${after.process.toFixed(0)} MiB`,
  )
  expect(minutes).toBeGreaterThan(MINUTES - 0.2)
})
