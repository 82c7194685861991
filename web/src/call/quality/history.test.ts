import { describe, expect, it } from 'vitest'
import { History, Overview } from './history'
import { sample } from './qualitytest/readings'

describe('the history of a link', () => {
  it('keeps the latest, oldest first, with holes where nothing was known', () => {
    const history = new History(3)
    for (let at = 1; at <= 5; at++) history.push(sample({ at, rttMs: at === 4 ? null : at * 10 }))
    expect(history.length).toBe(3)
    expect(history.column('at')).toEqual([3, 4, 5])
    expect(history.column('rttMs')).toEqual([30, null, 50])
    expect(history.column('height')).toEqual([null, null, null])
  })

  it('tells the screen’s size while there is one, else the camera’s', () => {
    const history = new History()
    const camera = { width: 320, height: 240, fps: 10 }
    history.push(sample({ received: { camera } }))
    history.push(sample({ received: { camera, screen: { width: 1920, height: 1080, fps: 5 } } }))
    expect(history.column('height')).toEqual([240, 1080])
    expect(history.column('fps')).toEqual([10, 5])
  })
})

describe('the overview of a call', () => {
  it('never takes more than its points and keeps the course', () => {
    const overview = new Overview(8)
    for (let i = 0; i < 1_000; i++) overview.push(i < 500 ? 1 : 0)
    const values = overview.values()
    expect(values.length).toBeLessThanOrEqual(8)
    expect(values[0]).toBe(1)
    expect(values.at(-1)).toBe(0)
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0.5, 0)
  })

  it('is exact while it is short', () => {
    const overview = new Overview(8)
    for (const value of [1, 0.5, 0]) overview.push(value)
    expect(overview.values()).toEqual([1, 0.5, 0])
  })
})
