import { describe, expect, it } from 'vitest'
import type { Outcome } from '@/call/ringing/state'
import { mergedRecord, type KeptCall } from './callHistory'
import { dayWords } from './dayWords'
import { durationWords } from './durationWords'

const call = (outcome: Outcome, durationMs: number | null = null): KeptCall => ({
  call: 'c', me: 'u', direction: 'in', user: { id: 'bo', name: 'Bo' }, media: 'audio', at: 1, outcome, durationMs,
})

describe('what is kept of a call', () => {
  it.each<[Outcome, Outcome, Outcome]>([
    ['answered', 'taken', 'answered'],
    ['taken', 'answered', 'answered'],
    ['missed', 'taken', 'taken'],
    ['declined', 'missed', 'declined'],
  ])('after %s and %s is %s, whichever tab was first', (before, now, kept) => {
    expect(mergedRecord(call(before), call(now)).outcome).toBe(kept)
  })

  it('has how long it lasted once that is known', () => {
    expect(mergedRecord(call('answered'), call('answered', 5_000)).durationMs).toBe(5_000)
    expect(mergedRecord(call('answered', 5_000), call('answered')).durationMs).toBe(5_000)
    expect(mergedRecord(undefined, call('missed'))).toEqual(call('missed'))
  })
})

describe('times in words', () => {
  it.each([
    [0, '0 sec'],
    [5_400, '5 sec'],
    [65_000, '1 min 5 sec'],
    [600_000, '10 min'],
    [3_725_000, '1 hr 2 min'],
  ])('%i ms lasts %s', (ms, words) => expect(durationWords(ms, 'en')).toBe(words))

  it('names the day unless it is today', () => {
    const noon = new Date(2026, 10, 28, 12, 5).getTime()
    expect(dayWords(noon, 'en-GB', noon + 3_600_000)).toBe('12:05')
    expect(dayWords(noon, 'en-GB', noon + 30 * 3_600_000)).toMatch(/^28 Nov,? (at )?12:05$/)
    expect(dayWords(noon, 'en-GB', noon + 400 * 86_400_000)).toContain('2026')
  })
})
