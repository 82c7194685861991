import { beforeEach, describe, expect, it } from 'vitest'
import { paint, type PictureOf } from './paint'
import type { Scene, ScenePerson } from './scene'

const SIZE = { width: 1280, height: 720 }
const track = (id: string) => ({ id }) as MediaStreamTrack
const person = (name: string, camera: MediaStreamTrack | null = null): ScenePerson => ({ id: name, name, initials: name[0]!, ground: '#123456', camera, microphone: null })

let drawn: { what: string; args: unknown[] }[]
let measured: number
/** Every letter is 10 px wide. */
const context = new Proxy({} as Record<string, unknown>, {
  get(target, name: string) {
    if (name === 'measureText') return (text: string) => (measured++, { width: 10 * [...text].length })
    return target[name] ?? ((...args: unknown[]) => drawn.push({ what: name, args }))
  },
}) as unknown as CanvasRenderingContext2D
const image = {} as CanvasImageSource
const pictureOf: PictureOf = ({ id }) => (id === 'dark' ? null : { image, size: { width: 640, height: 480 } })
const show = (scene: Scene) => paint(context, SIZE, scene, pictureOf)
const of = (what: string) => drawn.filter((one) => one.what === what).map(({ args }) => args)
const texts = () => of('fillText').map(([text]) => text)

beforeEach(() => {
  drawn = []
  measured = 0
})

describe('a painted call', () => {
  it('shows a single camera whole, and fills tiles with the middle of several', () => {
    show({ people: [person('Ada', track('a'))], screens: [] })
    expect(of('drawImage')).toEqual([[image, 160, 0, 960, 720]])
    drawn = []
    show({ people: [person('Ada', track('a')), person('Bo', track('b'))], screens: [] })
    expect(of('drawImage').map(([, x, , w]) => [x, w])).toEqual([[108, 424], [108, 424]])
    expect(texts()).toEqual(['Ada', 'Bo'])
  })

  it('shows initials of whoever has no picture, or none yet', () => {
    show({ people: [person('Ada'), person('Bo', track('dark'))], screens: [] })
    expect(of('drawImage')).toEqual([])
    expect(texts()).toEqual(['A', 'Ada', 'B', 'Bo'])
  })

  it('shows a shared screen whole, with whose it is', () => {
    show({ people: [person('Ada', track('a'))], screens: [{ id: 'bo', name: 'Bo', track: track('s'), sound: null }] })
    const [screen] = of('drawImage')
    expect(screen).toHaveLength(5)
    expect(texts()).toContain('Bo')
  })

  it('cuts a name to its tile, whatever its length, and without measuring each letter', () => {
    show({ people: [person('x'.repeat(10_000)), person('Bo')], screens: [] })
    const name = texts().find((text) => String(text).startsWith('xx')) as string
    expect(name.endsWith('…')).toBe(true)
    expect(10 * name.length).toBeLessThanOrEqual(596)
    expect(10 * name.length).toBeGreaterThan(580)
    expect(measured).toBeLessThan(20)
  })
})
