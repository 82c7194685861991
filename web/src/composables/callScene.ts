import type { RoomSnapshot } from '@/call/state'
import type { MediaSnapshot } from '@/media/devices'
import type { Scene } from '@/media/record/scene'
import { initials, personGround } from './person'

/** Our own id in a scene, whatever the mesh calls us. */
export const SELF = 'self'

/** The call as a recording or a picture shows it: as its tiles do, and with our own screen beside the others'. */
export function callScene(room: RoomSnapshot, devices: MediaSnapshot, ownScreenSound: MediaStreamTrack | null): Scene {
  const people = room.peers.map(({ peer, user, sends, camera, microphone }) => ({
    id: peer,
    name: user.name,
    ...looks(user),
    camera: sends.camera ? camera : null,
    microphone,
  }))
  const own = room.self?.user ?? { id: '', name: '' }
  const { microphone, camera, screen } = devices
  const self = { id: SELF, name: own.name, ...looks(own), camera: camera.track, microphone: microphone.state === 'on' ? microphone.track : null }
  const screens = room.peers.flatMap(({ peer, user, sends, screen: track, screenSound }) =>
    sends.screen && track ? [{ id: peer, name: user.name, track, sound: sends.screenSound ? screenSound : null }] : [],
  )
  return {
    people: [...people, self],
    screens: [...screens, ...(screen.track ? [{ id: SELF, name: own.name, track: screen.track, sound: ownScreenSound }] : [])],
  }
}

function looks({ id, name }: { id: string; name: string }): { initials: string; ground: string } {
  const token = `--${personGround(id)}`
  return { initials: initials(name), ground: getComputedStyle(document.documentElement).getPropertyValue(token) || '#2b4f77' }
}
