import { describe, expect, it } from 'vitest'
import { createWords } from '@/i18n'
import type { Path } from '@/call/state'
import { pathWords } from './pathWords'

const direct: Path = { kind: 'srflx', direct: true, protocol: 'udp', rttMs: 12.4 }
const relay: Path = { kind: 'relay', direct: false, protocol: 'udp', rttMs: 38, relayRegion: 'eu' }

function said(path: Path, language: 'en' | 'zh') {
  const { t } = createWords(language).global
  const { short, long } = pathWords(path, 'Bo')
  return [t(short.key, short.named), t(long.key, long.named)]
}

describe('the words of a path', () => {
  it.each<[Path, string, string]>([
    [direct, 'Direct · 12 ms', 'This call goes directly between you and Bo (12 ms).'],
    [{ ...direct, rttMs: 0.2 }, 'Direct · 1 ms', 'This call goes directly between you and Bo (1 ms).'],
    // The name that an edge has for its region when it was not told any.
    [{ ...relay, relayRegion: 'local' }, 'Through a relay · 38 ms', 'This call goes through a relay (38 ms).'],
    [{ ...direct, rttMs: null }, 'Direct', 'This call goes directly between you and Bo.'],
    [relay, 'Through a relay in eu · 38 ms', 'This call goes through a relay in eu (38 ms).'],
    [{ ...relay, rttMs: null }, 'Through a relay in eu', 'This call goes through a relay in eu.'],
    [{ ...relay, relayRegion: undefined }, 'Through a relay · 38 ms', 'This call goes through a relay (38 ms).'],
    [{ ...relay, relayRegion: '', rttMs: null }, 'Through a relay', 'This call goes through a relay.'],
  ])('%o', (path, short, long) => {
    expect(said(path, 'en')).toEqual([short, long])
  })

  it('says the same in Chinese', () => {
    expect(said(direct, 'zh')[0]).toBe('直连 · 12 毫秒')
    expect(said(relay, 'zh')[0]).toBe('经 eu 的中继 · 38 毫秒')
  })
})
