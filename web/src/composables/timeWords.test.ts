import { describe, expect, it } from 'vitest'
import { clock } from './timeWords'

describe('lengths', () => {
  it('are written as players write them', () => {
    expect([0, 999, 75_000, 3_723_400, -5].map(clock)).toEqual(['0:00', '0:00', '1:15', '1:02:03', '0:00'])
  })
})
