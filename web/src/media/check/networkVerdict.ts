import type { ProbeOutcome } from './relayProbe'
import type { Transport } from './relayTargets'
import { TRANSPORTS } from './relayTargets'

/** What was found out, without any conclusion. */
export interface NetworkFacts {
  /** Whether this browser has an address for UDP. */
  udp: boolean
  probes: { transport: Transport; host: string; outcome: ProbeOutcome }[]
}

/**
 * How a transport gets through to a relay. `blocked`: not, though the same relay answers another way, or this browser may not use it at all.
 * `down`: nothing of the relay answers. `silent` and `refused` as in {@link ProbeOutcome}. `absent`: no relay offers it.
 */
export type Reach = { state: 'reached'; ms: number } | { state: 'blocked' | 'down' | 'silent' | 'refused' | 'absent' }

export interface NetworkVerdict {
  /** Whether UDP leaves this network, without which no call is direct; `unknown` where nothing was there that could answer. */
  direct: 'open' | 'blocked' | 'unknown'
  relay: Record<Transport, Reach>
  /** What to expect. `slow`: only through a relay over TCP or TLS. `direct`: only without a relay. `poor`: hardly any call. */
  calls: 'good' | 'slow' | 'direct' | 'poor' | 'unknown'
}

const answered = ({ state }: ProbeOutcome) => state !== 'unanswered'

export function networkVerdict(facts: NetworkFacts): NetworkVerdict {
  const direct = directOf(facts)
  const relay = Object.fromEntries(TRANSPORTS.map((transport) => [transport, reachOf(transport, facts)])) as Record<Transport, Reach>
  return { direct, relay, calls: callsOf(direct, relay) }
}

function directOf({ udp, probes }: NetworkFacts): NetworkVerdict['direct'] {
  if (!udp) return 'blocked'
  const over = probes.filter(({ transport }) => transport === 'udp')
  if (over.some(({ outcome }) => answered(outcome))) return 'open'
  // A relay that answers any other way would have answered over UDP, had it come there.
  return over.some(({ host }) => answers(probes, host)) ? 'blocked' : 'unknown'
}

function answers(probes: NetworkFacts['probes'], host: string): boolean {
  return probes.some((probe) => probe.host === host && answered(probe.outcome))
}

function reachOf(transport: Transport, { udp, probes }: NetworkFacts): Reach {
  const over = probes.filter((probe) => probe.transport === transport)
  if (over.length === 0) return { state: 'absent' }
  const times = over.flatMap(({ outcome }) => (outcome.state === 'reached' ? [outcome.ms] : []))
  if (times.length) return { state: 'reached', ms: Math.min(...times) }
  for (const state of ['silent', 'refused'] as const) if (over.some(({ outcome }) => outcome.state === state)) return { state }
  if (transport === 'udp' && !udp) return { state: 'blocked' }
  return { state: over.some(({ host }) => answers(probes, host)) ? 'blocked' : 'down' }
}

function callsOf(direct: NetworkVerdict['direct'], relay: Record<Transport, Reach>): NetworkVerdict['calls'] {
  if (relay.udp.state === 'reached') return 'good'
  if (relay.tcp.state === 'reached' || relay.tls.state === 'reached') return direct === 'open' ? 'good' : 'slow'
  if (direct === 'blocked') return 'poor'
  return direct === 'open' ? 'direct' : 'unknown'
}
