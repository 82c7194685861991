import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Deletion, finishFor } from './deletion'
import type { LibraryItem } from './item'

const item = { id: 'one', title: 'Standup', file: 'one.webm', state: 'kept' } as LibraryItem
const files = new Set<string>()
let stuck = false

vi.mock('./files', () => ({
  exportName: (id: string, format: string) => `${id}.${format}`,
  eraser: (name: string, exported: string[]) =>
    Promise.resolve(() => {
      if (stuck) return Promise.reject(new DOMException('it is being written', 'NoModificationAllowedError'))
      for (const gone of [name, ...exported]) files.delete(gone)
      return Promise.resolve()
    }),
}))

/** Web Locks, of which happy-dom has none: one holder after another. */
class FakeLocks {
  private readonly tails = new Map<string, Promise<unknown>>()

  request(name: string, ...rest: [(lock: object) => unknown] | [{ ifAvailable: true }, (lock: object | null) => unknown]): Promise<unknown> {
    const work = rest[rest.length - 1] as (lock: object | null) => unknown
    const tail = this.tails.get(name)
    if (rest.length === 2 && tail) return Promise.resolve(work(null))
    const done = Promise.resolve(tail).then(() => work({}))
    this.tails.set(name, done)
    void done.finally(() => this.tails.get(name) === done && this.tails.delete(name))
    return done
  }
}

class FakeItems {
  readonly all = new Map([[item.id, item]])
  broken = false

  get = (id: string) => Promise.resolve(this.all.get(id))
  put = (one: LibraryItem) => {
    if (this.broken) return Promise.reject(new DOMException('closing', 'InvalidStateError'))
    this.all.set(one.id, one)
    return Promise.resolve()
  }
  remove = (id: string) => {
    this.all.delete(id)
    return Promise.resolve()
  }
}

let items: FakeItems
const changed = vi.fn()
const begin = () => Deletion.begin(items, item.id, changed)

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: new FakeLocks() })
  items = new FakeItems()
  files.clear()
  files.add(item.file)
  stuck = false
  changed.mockClear()
})

describe('a deletion', () => {
  it('hides the item and keeps its bytes, until it is taken back', async () => {
    const deletion = (await begin())!
    expect(items.all.get('one')?.state).toBe('deleted')
    expect(changed).toHaveBeenCalledTimes(1)
    await deletion.undo()
    expect(items.all.get('one')).toEqual(item)
    expect(changed).toHaveBeenCalledTimes(2)
    await deletion.finish()
    expect(files).toContain(item.file)
  })

  it('leaves nothing once it is finished, and can’t be taken back then', async () => {
    const deletion = (await begin())!
    files.add('one.mp4')
    files.add('one.audio')
    const finished = deletion.finish()
    expect([...files], 'at once, as a page that goes away has no later').toEqual([])
    await finished
    await deletion.undo()
    expect(items.all.size).toBe(0)
  })

  it('can be taken back again after that failed', async () => {
    const deletion = (await begin())!
    items.broken = true
    await expect(deletion.undo()).rejects.toThrow('closing')
    items.broken = false
    await deletion.undo()
    expect(items.all.get('one')?.state).toBe('kept')
  })

  it('is made by one page alone, and by none of what is gone or being recorded', async () => {
    const deletion = (await begin())!
    expect(await begin()).toBeNull()
    await deletion.finish()
    expect(await begin()).toBeNull()
    items.all.set('one', { ...item, state: 'open' })
    expect(await begin()).toBeNull()
    expect(items.all.get('one')?.state).toBe('open')
  })

  it('lets another begin where it could not', async () => {
    items.broken = true
    await expect(begin()).rejects.toThrow('closing')
    items.broken = false
    expect(await begin()).not.toBeNull()
  })
})

describe('finishing for another page', () => {
  it('waits while that page may take it back, and does nothing if it did', async () => {
    const deletion = (await begin())!
    let over = false
    const finishing = finishFor(items, items.all.get('one')!, changed).then(() => (over = true))
    await new Promise((resolve) => setTimeout(resolve))
    expect(over).toBe(false)
    await deletion.undo()
    await finishing
    expect([...files, items.all.get('one')?.state]).toEqual([item.file, 'kept'])
  })

  it('erases what a page that died had deleted', async () => {
    items.all.set('one', { ...item, state: 'deleted' })
    await finishFor(items, item, changed)
    expect([files.size, items.all.size]).toEqual([0, 0])
    expect(changed).toHaveBeenCalledOnce()
  })

  it('comes to bytes that could not be erased before', async () => {
    const deletion = (await begin())!
    stuck = true
    await deletion.finish()
    expect(items.all.get('one')?.state, 'still known, so that somebody will').toBe('deleted')
    stuck = false
    await finishFor(items, item, changed)
    expect([files.size, items.all.size]).toEqual([0, 0])
  })
})
