import { SignalClient } from '@/signal/client'
import { WireError } from '@/signal/errors'
import type { IceServer } from '@/wire/wire.gen'
import { passingGuest } from './identity'
import { session } from './useSession'

export interface RelayOffer {
  servers: IceServer[]
  /** Round trip to the edge that answered, in ms. */
  ms: number
}

/** Whoever waits longer has no callmesh to talk to, in ms. */
const PATIENCE_MS = 10_000

/**
 * Asks the mesh which relays it has: on the line that there is, or in a session of its own that enters no room and ends at once. Rejects with a WireError if
 * there is no answer.
 */
export async function askForRelays(name: string): Promise<RelayOffer> {
  const line = session.value?.signal
  if (line?.state === 'open') return ask(line)
  const signal = new SignalClient({ url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/ws`, token: passingGuest(name) })
  try {
    await greeted(signal)
    return await ask(signal)
  } finally {
    signal.close()
  }
}

async function ask(signal: SignalClient): Promise<RelayOffer> {
  const began = performance.now()
  const { iceServers } = await signal.request('ice', {})
  return { servers: iceServers, ms: performance.now() - began }
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
