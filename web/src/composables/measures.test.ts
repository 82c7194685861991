import { describe, expect, it } from 'vitest'
import { bytesWords, clock } from './measures'

describe('lengths and sizes', () => {
  it('are written as players and file managers write them', () => {
    expect([0, 999, 75_000, 3_723_400, -5].map(clock)).toEqual(['0:00', '0:00', '1:15', '1:02:03', '0:00'])
    expect(bytesWords(49_300, 'en')).toBe('49 kB')
    expect(bytesWords(1_540_000, 'en')).toBe('1.5 MB')
    expect(bytesWords(11_000_000_000, 'en')).toBe('11 GB')
    expect(bytesWords(-1, 'en')).toBe('0 kB')
  })
})
