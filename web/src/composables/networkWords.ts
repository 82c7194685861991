import type { MessageKey } from '@/i18n/en'
import type { NetworkVerdict, Reach } from '@/media/check/networkVerdict'
import type { Transport } from '@/media/check/relayTargets'
import { TRANSPORTS } from '@/media/check/relayTargets'
import type { Sentence } from './pathWords'

export interface NetworkRow {
  id: 'direct' | Transport
  what: MessageKey
  words: Sentence
  tone: 'good' | 'warn' | 'bad' | 'calm'
}

const DIRECT: Record<NetworkVerdict['direct'], [MessageKey, NetworkRow['tone']]> = {
  open: ['check.direct.open', 'good'],
  blocked: ['check.direct.blocked', 'warn'],
  unknown: ['check.direct.unknown', 'calm'],
}

const RELAY: Record<Reach['state'], [MessageKey, NetworkRow['tone']]> = {
  reached: ['check.relay.reached', 'good'],
  blocked: ['check.relay.blocked', 'warn'],
  down: ['check.relay.down', 'bad'],
  silent: ['check.relay.silent', 'bad'],
  refused: ['check.relay.refused', 'bad'],
  absent: ['check.relay.absent', 'calm'],
}

const OVER: Record<Transport, MessageKey> = { udp: 'check.over.udp', tcp: 'check.over.tcp', tls: 'check.over.tls' }

const CALLS: Record<NetworkVerdict['calls'], { title: MessageKey; how: MessageKey; tone: NetworkRow['tone'] }> = {
  good: { title: 'check.calls.good', how: 'check.calls.good.how', tone: 'good' },
  slow: { title: 'check.calls.slow', how: 'check.calls.slow.how', tone: 'warn' },
  direct: { title: 'check.calls.direct', how: 'check.calls.direct.how', tone: 'warn' },
  poor: { title: 'check.calls.poor', how: 'check.calls.poor.how', tone: 'bad' },
  unknown: { title: 'check.calls.unknown', how: 'check.calls.unknown.how', tone: 'warn' },
}

/** What was found out about the network, in the order in which it is read. */
export function networkWords(verdict: NetworkVerdict) {
  const [direct, directTone] = DIRECT[verdict.direct]
  const rows: NetworkRow[] = [{ id: 'direct', what: 'check.over.direct', words: { key: direct, named: {} }, tone: directTone }]
  for (const transport of TRANSPORTS) {
    const reach = verdict.relay[transport]
    const [usual, tone] = RELAY[reach.state]
    // Browsers do not tell a certificate that they do not trust from a connection that is cut.
    const key = transport === 'tls' && reach.state === 'blocked' ? 'check.relay.blocked.tls' : usual
    // Below one millisecond "0 ms" would look like a fault.
    const named: Sentence['named'] = reach.state === 'reached' ? { ms: Math.max(1, Math.round(reach.ms)) } : {}
    rows.push({ id: transport, what: OVER[transport], words: { key, named }, tone })
  }
  return { ...CALLS[verdict.calls], rows }
}
