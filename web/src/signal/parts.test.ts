// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { backoff } from './backoff'
import { parseMid, Seen } from './seen'
import { refreshDelay, tokenExpiry } from './token'
import { tokenUntil } from './signaltest/fakeEdge'

describe('backoff', () => {
  it('lies anywhere between nothing and the bound, which doubles up to the cap', () => {
    const options = { base: 100, cap: 1_000 }
    for (let attempt = 0; attempt < 100; attempt++) {
      const bound = Math.min(1_000, 100 * 2 ** attempt)
      expect(backoff(attempt, () => 0, options)).toBe(0)
      expect(backoff(attempt, () => 0.999, options)).toBeCloseTo(bound * 0.999)
    }
  })
})

describe('seen', () => {
  it('keeps the highest number of each source', () => {
    const seen = new Seen()
    expect(['a:1', 'a:3', 'a:2', 'a:3', 'b:1'].map((mid) => seen.note(mid))).toEqual([true, true, false, false, true])
    expect(seen.toJSON()).toEqual({ a: 3, b: 1 })
  })

  it('forgets the source that has been silent the longest when there are too many', () => {
    const seen = new Seen(2)
    for (const mid of ['a:1', 'b:1', 'a:2', 'c:1']) seen.note(mid)
    expect(seen.toJSON()).toEqual({ a: 2, c: 1 })
  })

  it.each(['', 'a', 'a:', ':1', 'a:0', 'a:-1', 'a:1.5', 'a:x'])('takes %j for no mid, and lets its event through', (mid) => {
    expect(parseMid(mid)).toBeNull()
    expect(new Seen().note(mid)).toBe(true)
  })
})

describe('token', () => {
  it('tells when it expires', () => {
    expect(tokenExpiry(tokenUntil(1_760_000_000_000))).toBe(1_760_000_000_000)
    for (const odd of ['', 'opaque', 'a.b.c', `a.${btoa('null')}.c`, `a.${btoa('{"exp":"soon"}')}.c`]) expect(tokenExpiry(odd)).toBeNull()
  })

  it('is renewed a minute before, or in the last tenth of a short life, never in a tight loop or by a timer too long for the browser', () => {
    expect(refreshDelay(3_600_000, 0)).toBe(3_540_000)
    expect(refreshDelay(60_000, 0)).toBe(54_000)
    expect(refreshDelay(0, 1_000)).toBe(5_000)
    expect(refreshDelay(1e13, 0)).toBe(2 ** 31 - 1)
  })
})
