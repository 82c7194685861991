import type { Path, PathKind } from './state'

// What is read of RTCStatsReport here (W3C webrtc-stats §8.18 RTCIceCandidateStats, §8.20 RTCIceCandidatePairStats, §8.16 RTCTransportStats).
interface Stat {
  id: string
  type: string
  selectedCandidatePairId?: string
  localCandidateId?: string
  remoteCandidateId?: string
  state?: string
  nominated?: boolean
  /** Firefox's way to say which pair is in use. */
  selected?: boolean
  currentRoundTripTime?: number
  candidateType?: string
  protocol?: string
  relayProtocol?: string
  /** Of a local candidate: the server that it came from (webrtc-stats §8.18). */
  url?: string
}

export type Stats = Pick<ReadonlyMap<string, unknown>, 'get' | 'forEach'>

/** Where a relay stands, by its URL. */
export type RelayRegion = (url: string) => string | undefined

/** Which way media goes, by the stats of one connection; null while it goes no way. */
export function pathOf(stats: Stats, regionOf: RelayRegion = () => undefined): Path | null {
  const pair = selectedPair(stats)
  const local = pair?.localCandidateId && (stats.get(pair.localCandidateId) as Stat | undefined)
  const remote = pair?.remoteCandidateId && (stats.get(pair.remoteCandidateId) as Stat | undefined)
  if (!pair || !local || !remote) return null
  const relayed = local.candidateType === 'relay' || remote.candidateType === 'relay'
  const relayRegion = local.candidateType === 'relay' && local.url ? regionOf(local.url) : undefined
  return {
    ...(relayRegion ? { relayRegion } : {}),
    kind: relayed ? 'relay' : kindOf(local.candidateType),
    direct: !relayed,
    protocol: protocolOf(local),
    rttMs: typeof pair.currentRoundTripTime === 'number' ? Math.round(pair.currentRoundTripTime * 1000) : null,
  }
}

/** The URL of the relay that our own end of the path is at, if it is at one. */
export function relayOf(stats: Stats): string | undefined {
  const id = selectedPair(stats)?.localCandidateId
  const local = id === undefined ? undefined : (stats.get(id) as Stat | undefined)
  return local?.candidateType === 'relay' ? local.url : undefined
}

function selectedPair(stats: Stats): Stat | undefined {
  let chosen: Stat | undefined
  let fallback: Stat | undefined
  stats.forEach((value) => {
    const stat = value as Stat
    if (stat.type === 'transport' && stat.selectedCandidatePairId) {
      chosen = stats.get(stat.selectedCandidatePairId) as Stat | undefined
    } else if (stat.type === 'candidate-pair' && (stat.selected || (stat.nominated && stat.state === 'succeeded'))) {
      fallback = stat
    }
  })
  return chosen ?? fallback
}

function kindOf(type: string | undefined): PathKind {
  return type === 'srflx' || type === 'prflx' ? type : 'host'
}

/** A relay candidate's own protocol is the relay's towards the peer, always udp in browsers; what counts is how we reach the relay. */
function protocolOf(local: Stat): Path['protocol'] {
  const protocol = local.candidateType === 'relay' ? (local.relayProtocol ?? local.protocol) : local.protocol
  return protocol === 'tcp' || protocol === 'tls' ? protocol : 'udp'
}
