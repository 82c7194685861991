import { expect, it } from 'vitest'
import { Timeline } from './timeline'

it('begins at its start, in the middle of a piece too', () => {
  const timeline = new Timeline(1_000)
  expect(timeline.sound(0, 900)).toEqual([])
  expect(timeline.sound(900, 300)).toEqual([{ skip: 100, length: 200, at: 0 }])
  expect(timeline.sound(1_200, 300)).toEqual([{ skip: 0, length: 300, at: 200 }])
  expect(timeline.picture(999)).toBeNull()
  expect(timeline.picture(1_300)).toBe(300)
})

it('leaves a pause out, so that the sound goes on where it was', () => {
  const timeline = new Timeline(0)
  timeline.sound(0, 1_000)
  timeline.pause(1_100)
  timeline.resume(5_050)
  expect(timeline.sound(1_000, 1_000)).toEqual([{ skip: 0, length: 100, at: 1_000 }])
  expect(timeline.picture(1_050)).toBe(1_050)
  expect(timeline.picture(3_000)).toBeNull()
  expect(timeline.sound(2_000, 3_000)).toEqual([])
  expect(timeline.sound(5_000, 1_000)).toEqual([{ skip: 50, length: 950, at: 1_100 }])
  expect(timeline.picture(5_150)).toBe(1_200)
})

it('has a short pause within one piece of sound', () => {
  const timeline = new Timeline(0)
  timeline.pause(300)
  timeline.resume(400)
  expect(timeline.sound(0, 1_000)).toEqual([
    { skip: 0, length: 300, at: 0 },
    { skip: 400, length: 600, at: 300 },
  ])
})

it('neither takes back what it has placed nor leaves a gap, when an order comes later than the sound that it is about', () => {
  const timeline = new Timeline(0)
  timeline.sound(0, 1_000)
  timeline.pause(800)
  expect(timeline.sound(1_000, 1_000)).toEqual([])
  expect(timeline.sound(2_000, 1_000)).toEqual([])
  timeline.resume(2_500)
  expect(timeline.sound(3_000, 1_000)).toEqual([{ skip: 0, length: 1_000, at: 1_000 }])
  // It was painted after the pause, but its sound is gone.
  expect(timeline.picture(2_700)).toBeNull()
  expect(timeline.picture(3_100)).toBe(1_100)
})

it('is paused and resumed once each, and keeps the order however many pauses there are', () => {
  const timeline = new Timeline(0)
  timeline.resume(10)
  let recorded = 0
  for (let round = 0; round < 100; round++) {
    const at = round * 1_000
    timeline.pause(at + 600)
    timeline.pause(at + 700)
    timeline.resume(at + 900)
    timeline.resume(at + 950)
    for (const { at: placed, length } of timeline.sound(at, 1_000)) {
      expect(placed).toBe(recorded)
      recorded += length
    }
    expect(timeline.picture(at + 950)).toBe(recorded - 50)
  }
  expect(recorded).toBe(100 * 700)
})
