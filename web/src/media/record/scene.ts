import type { User } from '../../call/state'

// Who and what a recording or a picture of the call shows: plain values, told anew whenever they change.

export interface ScenePerson {
  /** The peer, or `self`. */
  id: string
  name: string
  /** Stand for the person while there is no camera. */
  initials: string
  /** A CSS colour behind the initials. */
  ground: string
  camera: MediaStreamTrack | null
  microphone: MediaStreamTrack | null
}

export interface SceneScreen {
  id: string
  name: string
  track: MediaStreamTrack
}

export interface Scene {
  /** Ourselves last. */
  people: ScenePerson[]
  screens: SceneScreen[]
}

/** What is recorded: all, the voices alone, one person by id, or a screen with all voices. */
export type Subject = { kind: 'call' } | { kind: 'voices' } | { kind: 'person'; id: string } | { kind: 'screen'; track: MediaStreamTrack }

/** The part of the scene that a recording of the subject shows. */
export function framed(scene: Scene, subject: Subject): Scene {
  switch (subject.kind) {
    case 'call':
      return scene
    case 'voices':
      return { people: [], screens: [] }
    case 'person':
      return { people: scene.people.filter(({ id }) => id === subject.id), screens: [] }
    case 'screen':
      return { people: [], screens: [{ id: 'screen', name: '', track: subject.track }] }
  }
}

/** The voices that belong to it: one person's own, or everybody's. */
export function voices(scene: Scene, subject: Subject): MediaStreamTrack[] {
  const heard = subject.kind === 'person' ? scene.people.filter(({ id }) => id === subject.id) : scene.people
  return heard.flatMap(({ microphone }) => (microphone ? [microphone] : []))
}

/** Whose recording it is, for the library. A stranger's name may be of any length. */
export function names(scene: Scene, subject: Subject): string[] {
  const there = subject.kind === 'person' ? scene.people.filter(({ id }) => id === subject.id) : scene.people
  return there.slice(0, MOST_NAMES).map(({ name }) => short(name))
}

const MOST_NAMES = 50
const LONGEST_NAME = 80

/** No more of a name than can be read. */
export function short(name: User['name']): string {
  const letters = [...name]
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME).join('')}…` : name
}
