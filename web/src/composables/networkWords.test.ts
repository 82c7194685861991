import { expect, it } from 'vitest'
import { createWords } from '@/i18n'
import type { NetworkVerdict } from '@/media/check/networkVerdict'
import { networkWords } from './networkWords'

const said = (verdict: NetworkVerdict, language: 'en' | 'zh' = 'en') => {
  const { t } = createWords(language).global
  const { title, rows } = networkWords(verdict)
  return [t(title), ...rows.map(({ what, words }) => `${t(what)}: ${t(words.key, words.named)}`)]
}

it('says in plain words what reaches a relay, and what it means for calls', () => {
  expect(
    said({ direct: 'blocked', relay: { udp: { state: 'blocked' }, tcp: { state: 'reached', ms: 38.4 }, tls: { state: 'absent' } }, calls: 'slow' }),
  ).toEqual([
    'Calls work, but only the long way round',
    'Direct calls over UDP: blocked: your network or browser lets no UDP out',
    'Relay over UDP: blocked on the way: the relay answers, but not like this',
    'Relay over TCP: reached in 38 ms',
    'Relay over TLS: not offered by this callmesh',
  ])
  expect(
    said({ direct: 'unknown', relay: { udp: { state: 'down' }, tcp: { state: 'reached', ms: 0.2 }, tls: { state: 'refused' } }, calls: 'slow' }, 'zh')[3],
  ).toBe('经 TCP 到中继: 通，1 毫秒')
  // What fails over TLS alone may be a certificate.
  const untrusted = { direct: 'open', relay: { udp: { state: 'reached', ms: 2 }, tcp: { state: 'blocked' }, tls: { state: 'blocked' } }, calls: 'good' } as const
  expect(said(untrusted).slice(3)).toEqual([
    'Relay over TCP: blocked on the way: the relay answers, but not like this',
    'Relay over TLS: TLS fails, though the relay answers: a firewall is in the way, or this browser does not trust its certificate',
  ])
})
