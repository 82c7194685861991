import { describe, expect, it } from 'vitest'
import { arrange } from './stageLayout'

describe('the arrangement', () => {
  it.each([
    ['auto', 1, 0, false, 'pair'],
    ['auto', 2, 0, false, 'grid'],
    ['auto', 0, 0, false, 'grid'],
    ['grid', 1, 0, false, 'grid'],
    ['speaker', 1, 0, false, 'pair'],
    ['speaker', 3, 0, false, 'spot'],
    ['auto', 3, 0, true, 'spot'],
    ['speaker', 3, 1, false, 'strip'],
    ['grid', 1, 1, false, 'strip'],
    ['auto', 1, 1, true, 'spot'],
  ] as const)('%s with %i others, %i screens, pinned %s is %s', (layout, others, screens, pinned, wanted) => {
    expect(arrange({ layout, others, screens, pinned })).toBe(wanted)
  })
})
