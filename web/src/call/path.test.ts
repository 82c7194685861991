// @vitest-environment node
import { expect, it } from 'vitest'
import { pathOf } from './path'

type Fields = Record<string, unknown>

/** Stats as Chromium gives them, with this selected pair. */
function stats(local: Fields, remote: Fields, pair: Fields = {}): Map<string, unknown> {
  const all: Fields[] = [
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    // Checked and working, but not in use.
    { id: 'Q', type: 'candidate-pair', localCandidateId: 'L2', remoteCandidateId: 'R', state: 'succeeded', nominated: false },
    { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', state: 'succeeded', nominated: true, currentRoundTripTime: 0.0384, ...pair },
    { id: 'L', type: 'local-candidate', protocol: 'udp', ...local },
    { id: 'L2', type: 'local-candidate', protocol: 'udp', candidateType: 'host' },
    { id: 'R', type: 'remote-candidate', protocol: 'udp', ...remote },
  ]
  return new Map(all.map((stat) => [String(stat.id), stat]))
}

it('tells a direct path', () => {
  expect(pathOf(stats({ candidateType: 'srflx' }, { candidateType: 'host' }))).toEqual({ kind: 'srflx', direct: true, protocol: 'udp', rttMs: 38 })
  expect(pathOf(stats({ candidateType: 'prflx' }, { candidateType: 'srflx' }))).toMatchObject({ kind: 'prflx', direct: true })
  expect(pathOf(stats({ candidateType: 'host', protocol: 'tcp' }, { candidateType: 'host' }))).toMatchObject({ kind: 'host', protocol: 'tcp' })
})

it('tells where our own relay stands', () => {
  const ours = stats({ candidateType: 'relay', relayProtocol: 'tcp', url: 'turn:a:3478?transport=tcp' }, { candidateType: 'host' })
  const regionOf = (url: string) => (url === 'turn:a:3478?transport=tcp' ? 'eu' : undefined)
  expect(pathOf(ours, regionOf)).toMatchObject({ kind: 'relay', protocol: 'tcp', relayRegion: 'eu' })
  expect(pathOf(ours, () => undefined)).not.toHaveProperty('relayRegion')
  expect(pathOf(stats({ candidateType: 'host', url: 'turn:a:3478?transport=tcp' }, { candidateType: 'relay' }), regionOf)).not.toHaveProperty('relayRegion')
})

it('tells a relay at either end', () => {
  expect(pathOf(stats({ candidateType: 'relay', relayProtocol: 'udp' }, { candidateType: 'host' }))).toMatchObject({ kind: 'relay', direct: false })
  expect(pathOf(stats({ candidateType: 'host' }, { candidateType: 'relay' }))).toMatchObject({ kind: 'relay', direct: false, protocol: 'udp' })
})

it.each(['udp', 'tcp', 'tls'])('tells that the relay is reached over %s', (relayProtocol) => {
  expect(pathOf(stats({ candidateType: 'relay', relayProtocol }, { candidateType: 'relay' }))).toMatchObject({ protocol: relayProtocol })
})

it('does without a transport, as in browsers that have none', () => {
  for (const pair of [{}, { nominated: false, selected: true }]) {
    const without = stats({ candidateType: 'host' }, { candidateType: 'host' }, pair)
    without.delete('T')
    expect(pathOf(without)).toMatchObject({ kind: 'host' })
  }
})

it('knows no round trip before the first', () => {
  expect(pathOf(stats({ candidateType: 'host' }, { candidateType: 'host' }, { currentRoundTripTime: undefined }))?.rttMs).toBeNull()
})

it('tells nothing where there is nothing', () => {
  expect(pathOf(new Map())).toBeNull()
  const pairless = stats({ candidateType: 'host' }, { candidateType: 'host' })
  pairless.delete('P')
  pairless.delete('Q')
  expect(pathOf(pairless)).toBeNull()
  const candidateless = stats({ candidateType: 'host' }, { candidateType: 'host' })
  candidateless.delete('R')
  expect(pathOf(candidateless)).toBeNull()
})
