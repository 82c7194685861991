// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { networkVerdict, type NetworkFacts } from './networkVerdict'
import type { ProbeOutcome } from './relayProbe'
import { readTurnUrl, relayTargets, type Transport } from './relayTargets'

const reached: ProbeOutcome = { state: 'reached', ms: 38 }
const nothing: ProbeOutcome = { state: 'unanswered' }

function facts(udp: boolean, outcomes: Partial<Record<Transport, ProbeOutcome>>, host = 'r1'): NetworkFacts {
  return { udp, probes: (Object.entries(outcomes) as [Transport, ProbeOutcome][]).map(([transport, outcome]) => ({ transport, host, outcome })) }
}

const states = (from: NetworkFacts) => {
  const { direct, relay, calls } = networkVerdict(from)
  return [direct, relay.udp.state, relay.tcp.state, relay.tls.state, calls].join(' ')
}

describe('what a network is good for', () => {
  it.each<[string, NetworkFacts, string]>([
    ['all is open', facts(true, { udp: reached, tcp: reached, tls: reached }), 'open reached reached reached good'],
    ['no TLS is offered', facts(true, { udp: reached, tcp: reached }), 'open reached reached absent good'],
    ['a firewall drops UDP', facts(true, { udp: nothing, tcp: reached, tls: reached }), 'blocked blocked reached reached slow'],
    ['a policy of the browser leaves no UDP', facts(false, { udp: nothing, tcp: reached }), 'blocked blocked reached absent slow'],
    ['only https gets through', facts(true, { udp: nothing, tcp: nothing, tls: reached }), 'blocked blocked blocked reached slow'],
    ['the relay is down', facts(true, { udp: nothing, tcp: nothing }), 'unknown down down absent unknown'],
    ['the relay is down and a policy leaves no UDP', facts(false, { udp: nothing, tcp: nothing }), 'blocked blocked down absent poor'],
    ['there is no relay', facts(true, {}), 'unknown absent absent absent unknown'],
    ['the relay refuses', facts(true, { udp: { state: 'refused' }, tcp: { state: 'refused' } }), 'open refused refused absent direct'],
    ['the relay passes nothing on', facts(true, { udp: { state: 'silent' } }), 'open silent absent absent direct'],
    ['UDP goes through, but not to relays', facts(true, { udp: { state: 'refused' }, tcp: reached }), 'open refused reached absent good'],
  ])('%s', (_, from, wanted) => {
    expect(states(from)).toBe(wanted)
  })

  it('takes the nearest relay, and one that is down for no sign of a firewall', () => {
    const two = { udp: true, probes: [...facts(true, { udp: nothing, tcp: nothing }, 'r1').probes, ...facts(true, { udp: { state: 'reached', ms: 9 } as const }, 'r2').probes] }
    expect(networkVerdict(two).relay).toMatchObject({ udp: { state: 'reached', ms: 9 }, tcp: { state: 'down' } })
  })
})

describe('the ways to relays', () => {
  it('are read from TURN URIs', () => {
    expect(readTurnUrl('turn:relay.example:3478?transport=udp')).toEqual({ transport: 'udp', host: 'relay.example' })
    expect(readTurnUrl('turn:relay.example')).toEqual({ transport: 'udp', host: 'relay.example' })
    expect(readTurnUrl('turn:192.0.2.1:3478?transport=tcp')).toEqual({ transport: 'tcp', host: '192.0.2.1' })
    expect(readTurnUrl('turns:[2001:db8::1]:443?transport=tcp')).toEqual({ transport: 'tls', host: '[2001:db8::1]' })
    for (const wrong of ['stun:relay.example:3478', 'turn:', 'https://relay.example', '', 'turn:a b:1']) expect(readTurnUrl(wrong)).toBeNull()
  })

  it('are one URL each, with its credential, two relays for a transport at most', () => {
    const server = (host: string) => ({ urls: [`turn:${host}?transport=udp`, `turns:${host}`], username: 'u', credential: 'c' })
    const targets = relayTargets([server('a'), { urls: 'stun:a' }, server('b'), server('c')])
    expect(targets.map(({ transport, host }) => `${transport} ${host}`)).toEqual(['udp a', 'tls a', 'udp b', 'tls b'])
    expect(targets[0]!.server).toEqual({ urls: 'turn:a?transport=udp', username: 'u', credential: 'c' })
  })
})
