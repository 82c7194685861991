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
  /** What the shared tab or system plays, if it is shared too. */
  sound: MediaStreamTrack | null
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
      return { people: there(scene, subject), screens: [] }
    case 'screen':
      return { people: [], screens: [{ id: 'screen', name: '', track: subject.track, sound: null }] }
  }
}

/** What is heard in it: one person's own voice, or everybody's and the sound of shared screens. */
export function sounds(scene: Scene, subject: Subject): MediaStreamTrack[] {
  const voices = there(scene, subject).map(({ microphone }) => microphone)
  const screens = subject.kind === 'person' ? [] : scene.screens.map(({ sound }) => sound)
  return [...voices, ...screens].filter((track) => track !== null)
}

function there({ people }: Scene, subject: Subject): ScenePerson[] {
  return subject.kind === 'person' ? people.filter(({ id }) => id === subject.id) : people
}

/** Whose recording it is, for the library. A stranger's name may be of any length. */
export function names(scene: Scene, subject: Subject): string[] {
  return there(scene, subject).slice(0, MOST_NAMES).map(({ name }) => short(name))
}

const MOST_NAMES = 50
const LONGEST_NAME = 80

/** No more of a name than can be read. */
export function short(name: User['name']): string {
  const letters = [...name]
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME).join('')}…` : name
}
