import { describe, expect, it } from 'vitest'
import { troublesOf, type JudgedLink } from './cause'
import { sample } from './qualitytest/readings'
import type { Sample } from './sample'
import { Steady } from './steady'

const link = (peer: string, part: Partial<Sample> = {}, relayed = false): JudgedLink => ({ peer, relayed, sample: sample(part) })
const lossy = { lossIn: 0.2 }
const starved = { limitation: 'bandwidth', availableBps: 60_000 } as const

describe('the cause of trouble', () => {
  it.each<[string, JudgedLink[], [string, string | null][]]>([
    ['nobody', [], []],
    ['all is well', [link('bo'), link('cy')], []],
    ['loss with the only one there is', [link('bo', lossy)], [['between', 'bo']]],
    ['loss with one of two', [link('bo', lossy), link('cy')], [['theirNetwork', 'bo']]],
    ['loss with both of two', [link('bo', lossy), link('cy', lossy)], [['ownNetwork', null]]],
    ['loss with two of three', [link('bo', lossy), link('cy', lossy), link('di')], [['ownNetwork', null]]],
    ['loss with two of four', [link('a', lossy), link('b', lossy), link('c'), link('d')], [['theirNetwork', 'a'], ['theirNetwork', 'b']]],
    ['nothing left to send with, though there is one only', [link('bo', starved)], [['ownNetwork', null]]],
    ['nothing left to send with, as most is lost on the way', [link('bo', { ...starved, lossOut: 0.3 })], [['between', 'bo']]],
    ['held back by bandwidth that is still plenty', [link('bo', { limitation: 'bandwidth', availableBps: 900_000 })], []],
    ['a long way by a relay', [link('bo', { rttMs: 450 }, true)], [['relay', 'bo']]],
    ['a long way without one', [link('bo', { rttMs: 450 }), link('cy')], [['distance', 'bo']]],
    ['a busy processor', [link('bo', { limitation: 'cpu' }), link('cy')], [['cpu', null]]],
    ['a busy processor and a bad network', [link('bo', { limitation: 'cpu', lossOut: 0.3 })], [['cpu', null], ['between', 'bo']]],
  ])('where there is %s', (_, links, told) => {
    expect(troublesOf(links).map(({ cause, peer }) => [cause, peer])).toEqual(told)
  })

  it('is told with the worst that was measured', () => {
    expect(troublesOf([link('bo', { lossIn: 0.1, rttMs: 90 }), link('cy', { lossOut: 0.3 })])).toEqual([{ cause: 'ownNetwork', peer: null, rttMs: 90, loss: 0.3 }])
  })
})

describe('what is told', () => {
  it('comes after three readings in a row and goes after five', () => {
    const steady = new Steady<string>((item) => item)
    expect([steady.take(['x']), steady.take(['x']), steady.take([]), steady.take(['x']), steady.take(['x'])]).toEqual([[], [], [], [], []])
    expect(steady.take(['x'])).toEqual(['x'])
    for (let i = 0; i < 4; i++) expect(steady.take([])).toEqual(['x'])
    expect(steady.take([])).toEqual([])
  })

  it('stays while it comes back now and then, with its latest words', () => {
    const steady = new Steady<{ key: string; ms: number }>(({ key }) => key)
    for (let i = 0; i < 3; i++) steady.take([{ key: 'x', ms: i }])
    for (let i = 0; i < 4; i++) steady.take([])
    expect(steady.take([{ key: 'x', ms: 9 }])).toEqual([{ key: 'x', ms: 9 }])
    for (let i = 0; i < 4; i++) expect(steady.take([])).toHaveLength(1)
    expect(steady.take([])).toEqual([])
  })
})
