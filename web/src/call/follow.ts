import type { Greeting } from '../signal/client'
import { IceServers } from './ice'
import { MoveOff } from './moveOff'
import { Pulse } from './pulse'
import type { RoomCallOptions } from './roomOptions'
import type { RoomParts } from './roomParts'
import type { SignalState } from './state'

/** What a room does about what happens, beyond what its parts do by themselves. */
export interface Followed {
  greeted: (greeting: Greeting) => void
  /** The line has come or gone; the links know already. */
  line: (state: SignalState) => void
  /** Something else is to be sent than before. */
  mediaChanged: () => void
  changed: () => void
}

const LEVEL_EVERY_MS = 200
const PATH_EVERY_MS = 1_000

/** Follows a room until `stay` is aborted: brings what the mesh tells to the parts, keeps the ICE servers fresh, and measures. */
export function follow(options: RoomCallOptions, parts: RoomParts, followed: Followed, stay: AbortSignal): IceServers {
  const { signal } = options
  const { roster, chat, reactions, rights } = parts
  const here = <E extends { room: string }>(act: (event: E) => void) => (event: E) => {
    if (event.room === options.room) act(event)
  }
  const links = () => roster.all().map(({ link }) => link)
  const moveOff = new MoveOff({ links, hasLeft: (url) => ice.hasLeft(url) })
  const ice: IceServers = new IceServers(signal, {
    changed: (iceServers) => {
      for (const link of links()) link.setIceServers(iceServers)
    },
    left: () => moveOff.begin(),
  })
  const levels = new Pulse(LEVEL_EVERY_MS, () => {
    const now = performance.now()
    const heard = roster.all().map((member) => member.listen(now))
    if (heard.includes(true)) followed.changed()
  })
  const paths = new Pulse(PATH_EVERY_MS, () => {
    for (const member of roster.all()) void member.measure((url) => ice.regionOf(url))
  })
  const ends = [
    signal.onHello(followed.greeted),
    signal.onState((state) => {
      for (const member of roster.all()) member.link.signal(state === 'open')
      followed.line(state)
    }),
    signal.on('joined', here(({ peer, user, region, info }) => {
      if (peer !== signal.hello?.peer) roster.admit({ peer, user, region, info })
    })),
    signal.on('updated', here(({ peer, info }) => roster.update(peer, info))),
    signal.on('left', here(({ peer, reason }) => (reason === 'lost' ? roster.lose(peer) : roster.remove(peer)))),
    signal.on('signal', here((event) => roster.signal(event))),
    signal.on('post', here(({ mid = '', at = Date.now(), from, user, data }) => {
      chat.take([{ mid, at, from, user, data }])
      reactions.take(from, user, data)
    })),
    rights.follow(),
    options.media.subscribe(followed.mediaChanged),
    () => ice.stop(),
    () => moveOff.stop(),
    () => levels.stop(),
    () => paths.stop(),
  ]
  stay.addEventListener('abort', () => ends.forEach((end) => end()), { once: true })
  return ice
}
