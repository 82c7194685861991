import type { Outcome } from '../../wire/wire.gen'
import { pathOf, type RelayRegion } from '../path'

/** What has not connected by then has failed, ms: a first attempt that waits for a relay over TCP takes less. */
const PATIENCE_MS = 30_000

export interface OutcomeOptions {
  tell: (outcome: Outcome) => void
  regionOf?: RelayRegion
}

type Connection = Pick<
  RTCPeerConnection,
  'connectionState' | 'iceConnectionState' | 'iceGatheringState' | 'localDescription' | 'remoteDescription' | 'getStats' | 'addEventListener' | 'removeEventListener'
>

/**
 * Tells once what a connection came to: connected, by which path and how soon, or failed, and at which step. A connection that is closed before either
 * is told of not at all: somebody left. Returns what ends the watch.
 */
export function watchOutcome(pc: Connection, { tell, regionOf }: OutcomeOptions): () => void {
  let since: number | null = null
  const events = ['signalingstatechange', 'connectionstatechange'] as const
  const timer = setTimeout(() => end(failure(pc, elapsed())), PATIENCE_MS)
  const elapsed = () => (since === null ? undefined : Math.round(performance.now() - since))

  function look(): void {
    since ??= performance.now()
    switch (pc.connectionState) {
      case 'connected':
        void connected()
        break
      case 'failed':
        end(failure(pc, elapsed()))
        break
      case 'closed':
        stop()
    }
  }

  async function connected(): Promise<void> {
    const ms = elapsed()
    stop()
    const stats = await pc.getStats().catch(() => null)
    const path = stats && pathOf(stats, regionOf)
    tell({
      result: 'connected',
      ms,
      ...(path && { path: path.kind, protocol: path.protocol }),
      ...(path?.relayRegion && { relayRegion: path.relayRegion }),
      ...(path?.rttMs != null && { rttMs: path.rttMs }),
      ...network(),
    })
  }

  function end(outcome: Outcome): void {
    stop()
    tell({ ...outcome, ...network() })
  }

  function stop(): void {
    clearTimeout(timer)
    for (const event of events) pc.removeEventListener(event, look)
  }

  for (const event of events) pc.addEventListener(event, look)
  return stop
}

/** At which step it failed, by how far each of them came. */
function failure(pc: Connection, ms: number | undefined): Outcome {
  const told = { ...(ms !== undefined && { ms }) }
  if (!pc.localDescription || !pc.remoteDescription) return { result: 'no_signalling', step: 'signal', ...told }
  if (pc.iceGatheringState === 'complete' && !pc.localDescription.sdp.includes('a=candidate:')) {
    return { result: 'no_candidates', step: 'gather', ...told }
  }
  const paired = pc.iceConnectionState === 'connected' || pc.iceConnectionState === 'completed'
  return { result: 'failed', step: paired ? 'dtls' : 'check', ...told }
}

/** The kind of network where the browser tells (Network Information API); on most desks it doesn't. */
function network(): { network?: string } {
  const { type } = (globalThis.navigator as { connection?: { type?: unknown } } | undefined)?.connection ?? {}
  return typeof type === 'string' && type !== 'unknown' ? { network: type.slice(0, 32) } : {}
}
