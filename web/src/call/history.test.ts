// @vitest-environment node
import { describe, expect, it } from 'vitest'
import type { HistoryOk, Post } from '../wire/wire.gen'
import { History } from './history'

/** A room of numbered posts, of which every third is a line of the chat. */
function reader(count: number, limit: number) {
  const all: Post[] = Array.from({ length: count }, (_, i) => ({ mid: `m:${i}`, at: i, from: 'p', user: { id: 'u', name: 'U' }, data: i }))
  const state = { taken: [] as number[], failing: false, full: false, asked: [] as (string | undefined)[] }
  const history = new History({
    read: async (before): Promise<HistoryOk> => {
      state.asked.push(before)
      if (state.failing) throw new Error('away')
      const end = before === undefined ? count : all.findIndex(({ mid }) => mid === before)
      const posts = all.slice(Math.max(0, end - limit), end)
      return { posts, more: end - limit > 0 }
    },
    take: (posts) => {
      const lines = posts.map(({ data }) => data as number).filter((n) => n % 3 === 0)
      state.taken.unshift(...lines)
      return lines.length
    },
    room: () => !state.full,
    changed: () => undefined,
  })
  return { history, state }
}

describe('the history', () => {
  it('is read backwards to its beginning', async () => {
    const { history, state } = reader(20, 8)
    expect(history.earlier).toBe('none')
    await history.latest()
    expect(history.earlier).toBe('more')
    await history.readEarlier()
    await history.readEarlier()
    expect(history.earlier).toBe('none')
    expect(state.taken).toEqual([0, 3, 6, 9, 12, 15, 18])
    await history.readEarlier()
    expect(state.asked).toEqual([undefined, 'm:12', 'm:4'])
  })

  it('goes on past pages that show nothing new', async () => {
    const { history, state } = reader(6, 1)
    await history.latest()
    await history.readEarlier()
    expect(state.taken).toEqual([3])
    expect(state.asked).toEqual([undefined, 'm:5', 'm:4'])
  })

  it('says when it could not be read, and can be asked again', async () => {
    const { history, state } = reader(20, 8)
    await history.latest()
    state.failing = true
    await history.readEarlier()
    expect(history.earlier).toBe('failed')
    state.failing = false
    await history.readEarlier()
    expect(history.earlier).toBe('more')
  })

  it('ends where the page can hold no more', async () => {
    const { history, state } = reader(20, 8)
    await history.latest()
    state.full = true
    await history.readEarlier()
    expect(history.earlier).toBe('none')
  })
})
