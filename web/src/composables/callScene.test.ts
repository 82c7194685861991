import { describe, expect, it } from 'vitest'
import { devicesView, peerView, roomView } from '@/components/componenttest/mounted'
import { callScene, SELF } from './callScene'

const track = (id: string) => ({ id }) as MediaStreamTrack

describe('the call as it is recorded', () => {
  it('has everybody as their tiles have them, ourselves last', () => {
    const camera = track('bo’s camera')
    const on = peerView('Bo', { camera, sends: { microphone: true, camera: true, screen: false, screenSound: false } })
    const off = peerView('Cy', { camera: track('off'), microphone: track('muted'), screen: track('not shared') })
    const scene = callScene(roomView({ peers: [on, off] }), devicesView(), null)
    expect(scene.people.map(({ id, name, camera }) => [id, name, camera])).toEqual([['p-Bo', 'Bo', camera], ['p-Cy', 'Cy', null], [SELF, 'Sam', null]])
    expect(scene.people.map(({ initials }) => initials)).toEqual(['B', 'C', 'S'])
    expect(scene.screens).toEqual([])
  })

  it('has our own voice only while the microphone is on, and our screen beside the others’', () => {
    const [mine, theirs, film, voice] = [track('mine'), track('theirs'), track('film'), track('voice')]
    const bo = peerView('Bo', { screen: theirs, screenSound: film, sends: { microphone: false, camera: false, screen: true, screenSound: true } })
    const scene = (state: 'on' | 'off') => callScene(roomView({ peers: [bo] }), devicesView({ microphone: { state, track: voice }, screen: { state: 'on', track: mine } }), track('tab'))
    expect(scene('on').people.at(-1)!.microphone).toBe(voice)
    expect(scene('off').people.at(-1)!.microphone).toBe(null)
    expect(scene('on').screens.map(({ id, track }) => [id, track])).toEqual([['p-Bo', theirs], [SELF, mine]])
    expect(scene('on').screens.map(({ sound }) => sound?.id)).toEqual(['film', 'tab'])
  })
})
