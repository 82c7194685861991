import { SignalClient } from '@/signal/client'
import { WireError } from '@/signal/errors'
import type { IceServer } from '@/wire/wire.gen'
import { identity } from './identity'

export interface RelayOffer {
  servers: IceServer[]
  /** Round trip to the edge that answered, in ms. */
  ms: number
}

/** Whoever waits longer has no callmesh to talk to, in ms. */
const PATIENCE_MS = 10_000

/** Asks the mesh which relays it has, in a session of its own that enters no room and ends at once. Rejects with a WireError if there is no answer. */
export async function askForRelays(name: string): Promise<RelayOffer> {
  const signal = new SignalClient({ url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/ws`, token: identity(name) })
  try {
    await greeted(signal)
    const began = performance.now()
    const { iceServers } = await signal.request('ice', {})
    return { servers: iceServers, ms: performance.now() - began }
  } finally {
    signal.close()
  }
}

function greeted(signal: SignalClient): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new WireError('unavailable', 'no edge answered in time')), PATIENCE_MS)
    const end = (settle: () => void) => {
      clearTimeout(timer)
      ends.forEach((unlisten) => unlisten())
      settle()
    }
    const ends = [
      signal.onHello(() => end(resolve)),
      signal.onState((state) => state === 'closed' && end(() => reject(signal.error ?? new WireError('gone', 'the session was closed')))),
    ]
    signal.start()
  })
}
