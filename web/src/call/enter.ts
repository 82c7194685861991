import { LocalMedia } from '../media/devices'
import { SignalClient } from '../signal/client'
import { bindPage } from '../signal/page'
import type { TokenProvider } from '../signal/token'
import { QualityWatch } from './quality/watch'
import { RoomCall, type RoomCallOptions } from './room'

/** Which room to enter, by which edge, as whom, and with what to send. */
export interface EnterOptions extends Pick<RoomCallOptions, 'room' | 'secret' | 'pass' | 'iceTransportPolicy'> {
  /** The edge's http or https origin. If it is not the page's own, the edge must allow the page's. */
  edge: string
  /** Who we are: a function that gives a token, such as `guestToken`. */
  token: TokenProvider
  /** The devices to send from; of its own unless given, all off. */
  media?: LocalMedia
}

/** A room that we are in. */
export interface EnteredRoom {
  call: RoomCall
  media: LocalMedia
  /** Reads how the links do, and adapts what is sent to it. */
  quality: QualityWatch
  /** Leaves the room and ends the session; devices that were made here are let go of. */
  leave(): Promise<void>
}

/** Opens a session and enters a room: all that a page of one's own needs for a call. Rejects with a WireError if refused. */
export async function enterRoom({ edge, token, media: given, ...options }: EnterOptions): Promise<EnteredRoom> {
  const url = new URL('/v1/ws', edge)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const media = given ?? new LocalMedia()
  const signal = new SignalClient({ url: url.href, token })
  const call = new RoomCall({ ...options, signal, media })
  const quality = new QualityWatch({ call, track: (slot) => media.track(slot) })
  const unbind = bindPage(signal)
  const leave = async () => {
    quality.stop()
    unbind()
    await call.leave()
    signal.close()
    if (!given) media.dispose()
  }
  signal.start()
  try {
    await call.join()
  } catch (error) {
    await leave()
    throw error
  }
  return { call, media, quality, leave }
}
