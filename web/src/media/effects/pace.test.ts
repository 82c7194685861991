import { expect, it } from 'vitest'
import { Pace } from './pace'

/** Lets frames that cost so much come for some seconds, as fast as they can but no faster than 30 a second. */
function run(pace: Pace, from: number, seconds: number, costMs: number): number {
  let now = from
  while (now < from + seconds * 1_000) {
    now += Math.max(33, costMs)
    pace.count(now, costMs)
  }
  return now
}

it('gets coarser when the work is too much, finer again with room, and gives up on what is hopeless', () => {
  const pace = new Pace(0)
  let now = run(pace, 0, 4, 10)
  expect(pace.fineness.scale).toBe(1)
  now = run(pace, now, 5, 60)
  expect(pace.fineness.scale).toBe(0.5)
  expect(pace.hopelesslySlow).toBe(false)
  now = run(pace, now, 200, 3)
  expect(pace.fineness.scale).toBe(1)
  run(pace, now, 12, 300)
  expect(pace.hopelesslySlow).toBe(true)
})

it('gives up on a model that lets each frame wait for more than a second, and not on one that is merely slow', () => {
  const wait = (pace: Pace, ms: number) => {
    for (let now = ms; now < 20_000; now += ms) pace.count(now, 5, ms)
  }
  const slow = new Pace(0)
  wait(slow, 600)
  expect(slow.hopelesslySlow).toBe(false)
  const hopeless = new Pace(0)
  wait(hopeless, 1_300)
  expect(hopeless.hopelesslySlow).toBe(true)
})
