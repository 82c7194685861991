import type { WireError } from '../signal/errors'
import type { Peer } from '../wire/wire.gen'
import { whereThereIsRoom } from './capacity'
import { Chat } from './chat'
import { Entrance } from './entrance'
import { Files } from './files/transfers'
import { History } from './history'
import type { PeerInfo } from './info'
import { postKept } from './poster'
import { Publisher } from './publisher'
import { Reactions } from './reactions'
import { RoomRights } from './rights/rights'
import type { RoomCallOptions } from './roomOptions'
import { Roster } from './roster'
import { Showing } from './showing'

/** What the parts of a room ask of it, and what they tell it. */
export interface RoomSelf {
  /** What there is to say of us now. */
  info: () => PeerInfo
  joined: () => boolean
  /** Aborted when we leave; undefined when we have not come. */
  stay: () => AbortSignal | undefined
  /** Makes a connection with the present ICE servers. */
  connect: () => RTCPeerConnection
  /** Where the relay with this URL stands. */
  regionOf: (url: string) => string | undefined
  entered: (peers: Peer[], info: PeerInfo) => void
  refused: (error: WireError) => void
  /** Until when we are kept out, in Unix ms. */
  kicked: (until: number) => void
  changed: () => void
}

export interface RoomParts {
  chat: Chat
  entrance: Entrance
  files: Files
  history: History
  publisher: Publisher
  reactions: Reactions
  rights: RoomRights
  roster: Roster
  showing: Showing
}

const HISTORY_LIMIT = 100

/** Makes what a room consists of. The parts know one another only through what is said here. */
export function makeParts(options: RoomCallOptions, self: RoomSelf): RoomParts {
  const { room, signal } = options
  const { changed } = self

  const rights = new RoomRights({ room, signal, secret: options.secret, pass: options.pass, kicked: self.kicked })
  const join = whereThereIsRoom({
    join: (info) => rights.join(info),
    leave: () => signal.request('leave', { room }),
    user: () => signal.hello?.user.id,
  })
  const entrance = new Entrance({ info: self.info, join, entered: self.entered, refused: self.refused })
  const chat = new Chat({
    post: (data) =>
      postKept(data, {
        post: (data) => signal.request('post', { room, data, keep: true, key: data.id }),
        entering: () => entrance.entering,
        stay: self.stay,
      }),
    changed,
  })
  const publisher = new Publisher({ info: self.info, update: (info) => signal.request('update', { room, info }), joined: self.joined })
  const history = new History({
    read: (before) => {
      const limit = Math.min(HISTORY_LIMIT, signal.hello?.limits.historyPosts ?? HISTORY_LIMIT)
      return signal.request('history', { room, limit, ...(before !== undefined && { before }) })
    },
    take: (posts) => chat.take(posts),
    room: () => chat.roomy,
    changed,
  })
  const reactions = new Reactions({
    // One that comes late, or twice, is worse than one that is lost.
    us: () => (self.joined() && signal.state === 'open' ? (signal.hello?.user ?? null) : null),
    post: (data) => void signal.request('post', { room, data }).catch(() => undefined),
  })
  const files: Files = new Files({
    peer: (peer) => {
      const member = roster.get(peer)
      return member ? { user: member.user, channel: member.link.channel } : null
    },
    changed,
    store: options.store,
  })
  const showing: Showing = new Showing({ channel: (peer) => roster.get(peer)?.link.channel ?? null })
  const roster: Roster = new Roster({
    member: (peer) => ({
      self: signal.hello?.peer ?? '',
      signalUp: signal.state === 'open',
      connect: self.connect,
      channel: {
        take: (frame) => showing.take(peer, frame) || files.take(peer, frame),
        changed: () => {
          files.channelChanged(peer)
          showing.channelChanged(peer)
        },
      },
      deliver: (data, key) => signal.request('signal', { room, to: peer, data, key }),
      // Statistics: nothing is lost to the reader when they don't arrive.
      outcome: (outcome) => void signal.request('report', { room, peer, outcome }).catch(() => undefined),
      regionOf: self.regionOf,
    }),
    track: (slot) => options.media.track(slot),
    graceMs: () => signal.hello?.limits.graceMs ?? 30_000,
    changed,
  })
  return { chat, entrance, files, history, publisher, reactions, rights, roster, showing }
}
