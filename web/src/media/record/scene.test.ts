import { describe, expect, it } from 'vitest'
import { framed, names, short, voices, type Scene } from './scene'

const track = (id: string) => ({ id }) as MediaStreamTrack
const person = (id: string, microphone: MediaStreamTrack | null) => ({ id, name: id.toUpperCase(), initials: id, ground: '#000', camera: null, microphone })
const scene: Scene = {
  people: [person('bo', track('m-bo')), person('cy', null), person('self', track('m-self'))],
  screens: [{ id: 'bo', name: 'Bo', track: track('s-bo') }],
}
const ids = (tracks: MediaStreamTrack[]) => tracks.map(({ id }) => id)

describe('what is recorded', () => {
  it('is everybody, with all voices', () => {
    expect(framed(scene, { kind: 'call' })).toBe(scene)
    expect(ids(voices(scene, { kind: 'call' }))).toEqual(['m-bo', 'm-self'])
  })

  it('is one person, with no voice but their own', () => {
    const subject = { kind: 'person', id: 'bo' } as const
    expect(framed(scene, subject)).toEqual({ people: [scene.people[0]], screens: [] })
    expect(ids(voices(scene, subject))).toEqual(['m-bo'])
    expect(names(scene, subject)).toEqual(['BO'])
    expect(voices(scene, { kind: 'person', id: 'gone' })).toEqual([])
  })

  it('is one screen, with all voices', () => {
    const screen = track('s')
    const frame = framed(scene, { kind: 'screen', track: screen })
    expect(frame.people).toEqual([])
    expect(ids(frame.screens.map((one) => one.track))).toEqual(['s'])
    expect(ids(voices(scene, { kind: 'screen', track: screen }))).toEqual(['m-bo', 'm-self'])
  })

  it('bounds what strangers call themselves', () => {
    expect([...short('名'.repeat(5_000))].length).toBe(81)
    const crowd = { people: Array.from({ length: 500 }, (_, n) => person(`p${n}`, null)), screens: [] }
    expect(names(crowd, { kind: 'call' })).toHaveLength(50)
  })
})
