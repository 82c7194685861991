// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Reactions, type ShownReaction } from './reactions'

const us = { id: 'u-us', name: 'Sam' }
const bo = { id: 'u-bo', name: 'Bo' }
const post = vi.fn()
let there: typeof us | null
let shown: ShownReaction[]
let reactions: Reactions

beforeEach(() => {
  vi.useFakeTimers()
  there = us
  shown = []
  reactions = new Reactions({ us: () => there, post })
  reactions.listen((one) => shown.push(one))
})
afterEach(() => {
  vi.useRealTimers()
  vi.clearAllMocks()
})

describe('reactions', () => {
  it('are sent and shown, ours and others’', () => {
    expect(reactions.send('heart')).toBe(true)
    expect(post).toHaveBeenCalledWith({ type: 'reaction', reaction: 'heart' })
    reactions.take('p-bo', bo, { type: 'reaction', reaction: 'clap', more: '<b>' })
    expect(shown).toEqual([
      { id: 1, reaction: 'heart', mine: true, user: us },
      { id: 2, reaction: 'clap', mine: false, user: bo },
    ])
  })

  it.each([null, 'heart', { type: 'text', reaction: 'heart' }, { type: 'reaction' }, { type: 'reaction', reaction: '💣' }, { type: 'reaction', reaction: 'toString' }])(
    'of a stranger are only those of the set: not %j',
    (data) => {
      reactions.take('p-bo', bo, data)
      expect(shown).toEqual([])
    },
  )

  it('come no faster than can be looked at, from each', () => {
    for (let i = 0; i < 50; i++) reactions.take('p-bo', bo, { type: 'reaction', reaction: 'clap' })
    expect(shown).toHaveLength(6)
    const sent = Array.from({ length: 10 }, () => reactions.send('party'))
    expect(sent.filter(Boolean)).toHaveLength(6)
    expect(post).toHaveBeenCalledTimes(6)
    vi.advanceTimersByTime(5_000)
    expect(reactions.send('party')).toBe(true)
  })

  it('are not shown as sent while nobody can be told', () => {
    there = null
    expect(reactions.send('heart')).toBe(false)
    expect([shown, post.mock.calls]).toEqual([[], []])
  })
})
