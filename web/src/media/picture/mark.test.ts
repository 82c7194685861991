import { describe, expect, it } from 'vitest'
import { arrowHead, drawMarks } from './mark'
import { sceneSize } from './shoot'

describe('an arrow', () => {
  it('points where it goes, its wings behind on either side', () => {
    const [tip, left, right] = arrowHead({ x: 0, y: 50 }, { x: 100, y: 50 }, 20)
    expect(tip).toEqual({ x: 100, y: 50 })
    expect(left.x).toBeCloseTo(right.x)
    expect(left.x).toBeLessThan(90)
    expect(left.y + right.y).toBeCloseTo(100)
    expect(Math.abs(left.y - right.y)).toBeGreaterThan(10)
  })
})

describe('marks', () => {
  it('are drawn in their order, each in its colour', () => {
    const drawn: string[] = []
    const context = new Proxy({} as Record<string, unknown>, {
      get: (target, name: string) => target[name] ?? ((...args: unknown[]) => drawn.push(`${name} ${args.join(' ')} ${String(target.strokeStyle)}`)),
    }) as unknown as CanvasRenderingContext2D
    drawMarks(context, { width: 640, height: 480 }, [
      { kind: 'pen', colour: '#ff0000', points: [{ x: 1, y: 2 }] },
      { kind: 'text', colour: '#0000ff', at: { x: 5, y: 6 }, words: 'here' },
    ])
    expect(drawn).toEqual(['beginPath  #ff0000', 'moveTo 1 2 #ff0000', 'lineTo 1 2 #ff0000', 'stroke  #ff0000', 'strokeText here 5 6 #ffffff', 'fillText here 5 6 #ffffff'])
  })
})

describe('a picture of the call', () => {
  it('is so large that no tile loses pixels, up to 4K', () => {
    expect(sceneSize(1, [{ width: 640, height: 360 }])).toEqual({ width: 1280, height: 720 })
    expect(sceneSize(4, [{ width: 1280, height: 720 }]).width).toBe(2560)
    expect(sceneSize(9, [{ width: 1920, height: 1080 }])).toEqual({ width: 3840, height: 2160 })
    expect(sceneSize(1, [])).toEqual({ width: 1280, height: 720 })
  })
})
