import { describe, expect, it } from 'vitest'
import { arrange, contained, covering, grid, type Box } from './layout'

const HD = { width: 1280, height: 720 }
const inside = (box: Box) => box.x >= 0 && box.y >= 0 && box.x + box.width <= HD.width && box.y + box.height <= HD.height
const apart = (a: Box, b: Box) => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y

describe('where things stand in a recording', () => {
  it('gives one person all of it, and two a half each', () => {
    expect(arrange(0, 1, HD).people).toEqual([{ x: 0, y: 0, ...HD }])
    const [left, right] = arrange(0, 2, HD).people
    expect(left).toEqual({ x: 0, y: 0, width: 636, height: 720 })
    expect(right).toEqual({ x: 644, y: 0, width: 636, height: 720 })
  })

  it('gives a screen most of it, with people beside', () => {
    const { screens, people } = arrange(1, 3, HD)
    expect(screens[0]!.width).toBeGreaterThan(1000)
    expect(people).toHaveLength(3)
    for (const box of people) expect(apart(box, screens[0]!)).toBe(true)
  })

  it('never lets tiles overlap or leave the picture, however many there are', () => {
    for (const screens of [0, 1, 2, 3]) {
      for (let people = 0; people <= 12; people++) {
        const all = Object.values(arrange(screens, people, HD)).flat()
        expect(all.every(inside), `${screens} screens, ${people} people`).toBe(true)
        expect(all.every((a, i) => all.slice(i + 1).every((b) => apart(a, b))), `${screens} screens, ${people} people`).toBe(true)
        expect(all.every(({ width, height }) => width > 50 && height > 50)).toBe(true)
      }
    }
  })

  it('puts a last row that is not full in the middle', () => {
    const [, , third] = grid(3, { x: 0, y: 0, ...HD }, 0)
    expect(third!.x + third!.width / 2).toBe(HD.width / 2)
  })
})

describe('a picture in a box', () => {
  it('fills it with its middle, or stands in it whole', () => {
    expect(covering({ width: 640, height: 480 }, { width: 480, height: 480 })).toEqual({ x: 80, y: 0, width: 480, height: 480 })
    expect(contained({ width: 640, height: 480 }, { x: 10, y: 0, width: 960, height: 480 })).toEqual({ x: 170, y: 0, width: 640, height: 480 })
  })
})
