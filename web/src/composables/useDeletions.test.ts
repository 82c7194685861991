import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Deletion } from '@/media/library/deletion'
import type { LibraryItem } from '@/media/library/item'
import { recording as words } from '@/i18n/en/recording'
import { UNDO_MS, useDeletions } from './useDeletions'

const [one, two] = ['one', 'two'].map((id) => ({ id, title: id }) as LibraryItem) as [LibraryItem, LibraryItem]

function setUp() {
  const made = new Map<string, { item: LibraryItem; undo: ReturnType<typeof vi.fn>; finish: ReturnType<typeof vi.fn> }>()
  const deletions = useDeletions((item) => {
    const deletion = { item, undo: vi.fn(() => Promise.resolve()), finish: vi.fn(() => Promise.resolve()) }
    made.set(item.id, deletion)
    return Promise.resolve(deletion as unknown as Deletion)
  })
  return { ...deletions, made, shown: () => deletions.deleted.value.map(({ item, failed }) => `${item.id}${failed ? ' failed' : ''}`) }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('deletions', () => {
  it('have as long as is said of them', () => {
    expect(words['library.delete.said']).toContain('ten seconds')
    expect(UNDO_MS).toBe(10_000)
  })

  it('can be taken back for some seconds, each by itself', async () => {
    const { remove, undo, shown, made } = setUp()
    expect(await remove(one)).toBe(true)
    await vi.advanceTimersByTimeAsync(UNDO_MS / 2)
    await remove(two)
    expect(shown()).toEqual(['two', 'one'])
    await vi.advanceTimersByTimeAsync(UNDO_MS / 2)
    expect(shown()).toEqual(['two'])
    expect(made.get('one')!.finish).toHaveBeenCalledOnce()
    expect(await undo(one)).toBe(false)
    expect(await undo(two)).toBe(true)
    await vi.advanceTimersByTimeAsync(UNDO_MS)
    expect(made.get('two')!.finish).not.toHaveBeenCalled()
    expect(shown()).toEqual([])
  })

  it('give another while to whoever could not take one back', async () => {
    const { remove, undo, shown, made } = setUp()
    await remove(one)
    made.get('one')!.undo.mockRejectedValueOnce(new Error('closing'))
    await vi.advanceTimersByTimeAsync(UNDO_MS - 1)
    expect(await undo(one)).toBe(false)
    expect(shown()).toEqual(['one failed'])
    await vi.advanceTimersByTimeAsync(UNDO_MS - 1)
    expect(await undo(one)).toBe(true)
    expect(shown()).toEqual([])
  })

  it('are final when the page goes away', async () => {
    const { remove, made } = setUp()
    await remove(one)
    dispatchEvent(new Event('pagehide'))
    expect(made.get('one')!.finish).toHaveBeenCalledOnce()
  })

  it('are final when they are closed, and at once after that', async () => {
    const { remove, close, shown, made } = setUp()
    await remove(one)
    await close()
    expect(made.get('one')!.finish).toHaveBeenCalledOnce()
    expect(await remove(two)).toBe(false)
    expect(made.get('two')!.finish).toHaveBeenCalledOnce()
    expect(shown()).toEqual([])
  })

  it('say nothing of what another page deletes, and pass on that nothing could be', async () => {
    expect(await useDeletions(() => Promise.resolve(null)).remove(one)).toBe(false)
    await expect(useDeletions(() => Promise.reject(new Error('full'))).remove(one)).rejects.toThrow('full')
  })
})
