import { describe, expect, it } from 'vitest'
import { framed, names, short, sounds, type Scene } from './scene'

const track = (id: string) => ({ id }) as MediaStreamTrack
const person = (id: string, microphone: MediaStreamTrack | null) => ({ id, name: id.toUpperCase(), initials: id, ground: '#000', camera: null, microphone })
const scene: Scene = {
  people: [person('bo', track('m-bo')), person('cy', null), person('self', track('m-self'))],
  screens: [{ id: 'bo', name: 'Bo', track: track('s-bo'), sound: track('film') }],
}
const ids = (tracks: MediaStreamTrack[]) => tracks.map(({ id }) => id)

describe('what is recorded', () => {
  it('is everybody, with all voices and the sound of screens', () => {
    expect(framed(scene, { kind: 'call' })).toBe(scene)
    expect(ids(sounds(scene, { kind: 'call' }))).toEqual(['m-bo', 'm-self', 'film'])
  })

  it('is one person, with no sound but their voice', () => {
    const subject = { kind: 'person', id: 'bo' } as const
    expect(framed(scene, subject)).toEqual({ people: [scene.people[0]], screens: [] })
    expect(ids(sounds(scene, subject))).toEqual(['m-bo'])
    expect(names(scene, subject)).toEqual(['BO'])
    expect(sounds(scene, { kind: 'person', id: 'gone' })).toEqual([])
  })

  it('is one screen, with all voices and the sound of screens', () => {
    const screen = track('s')
    const frame = framed(scene, { kind: 'screen', track: screen })
    expect(frame.people).toEqual([])
    expect(ids(frame.screens.map((one) => one.track))).toEqual(['s'])
    expect(ids(sounds(scene, { kind: 'screen', track: screen }))).toEqual(['m-bo', 'm-self', 'film'])
  })

  it('bounds what strangers call themselves', () => {
    expect([...short('名'.repeat(5_000))].length).toBe(81)
    const crowd = { people: Array.from({ length: 500 }, (_, n) => person(`p${n}`, null)), screens: [] }
    expect(names(crowd, { kind: 'call' })).toHaveLength(50)
  })
})
