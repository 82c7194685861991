// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { CODE_LENGTH, fingerprintOf, safetyCode, SYMBOLS } from './safety'

const print = (seed: number) => Array.from({ length: 32 }, (_, i) => ((i * 7 + seed) & 255).toString(16).padStart(2, '0').toUpperCase()).join(':')
const sdp = (...prints: string[]) => ['v=0', ...prints.map((p) => `a=fingerprint:sha-256 ${p}`), ''].join('\r\n')

describe('a fingerprint', () => {
  it('is read from a description, however often it stands there', () => {
    expect(fingerprintOf(sdp(print(1)))).toBe(print(1))
    expect(fingerprintOf(sdp(print(1), print(1).toLowerCase()))).toBe(print(1))
  })

  it('is not taken from a description that leaves a choice, or has another hash', () => {
    for (const text of [undefined, '', sdp(), sdp(print(1), print(2)), `a=fingerprint:sha-1 ${print(1)}`, 'a=fingerprint:sha-256 AB:CD', `x a=fingerprint:sha-256 ${print(1)}`]) {
      expect(fingerprintOf(text), text).toBeNull()
    }
  })
})

describe('a safety code', () => {
  it('is the same on both sides, and another when either certificate is another', async () => {
    const [ours, theirs, changed] = await Promise.all([safetyCode([print(1), print(2)]), safetyCode([print(2), print(1)]), safetyCode([print(1), print(3)])])
    expect(ours).toEqual(theirs)
    expect(changed).not.toEqual(ours)
    expect(ours).toHaveLength(CODE_LENGTH)
    expect(ours.every((symbol) => Number.isInteger(symbol) && symbol >= 0 && symbol < SYMBOLS)).toBe(true)
  })

  it('stays what it is from one version of the page to the next', async () => {
    expect(await safetyCode([print(1), print(2)])).toMatchInlineSnapshot(`
      [
        7,
        52,
        34,
        0,
        31,
        57,
      ]
    `)
  })
})
