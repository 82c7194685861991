import type { LocalMedia } from '../media/devices'
import type { SignalClient } from '../signal/client'
import type { FileStore } from './files/store'

/** What a {@link RoomCall} is made from; `enterRoom` gives most of it. */
export interface RoomCallOptions {
  room: string
  signal: SignalClient
  media: Pick<LocalMedia, 'track' | 'subscribe'>
  iceTransportPolicy?: RTCIceTransportPolicy
  /** Of us, for the others to see; see picture.ts. */
  picture?: string | null
  /** Of a room that its maker moderates, if we are its maker. */
  secret?: string
  /** Lets us into a locked room; a moderator gave it. */
  pass?: string
  /** For tests, which have no RTCPeerConnection. */
  connect?: (configuration: RTCConfiguration) => RTCPeerConnection
  /** Where received files go; the browser's own file system unless told. */
  store?: FileStore
}
