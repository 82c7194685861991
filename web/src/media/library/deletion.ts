import type { Catalogue } from './catalogue'
import { eraser, exportName } from './files'
import type { LibraryItem } from './item'
import { holdIfFree } from './locks'

type Items = Pick<Catalogue, 'get' | 'put' | 'remove'>

/** Held by the page that may still take the deletion back. */
const lockOf = (id: string) => `callmesh-deletion-${id}`

/** A deletion that can be taken back for as long as its page wants and lives. The bytes are there until then. */
export class Deletion {
  /** As it was before. */
  readonly item: LibraryItem
  private readonly items: Items
  private readonly erase: () => Promise<void>
  private readonly over: () => void
  private settled = false

  /** Null if it is gone, or another page is at it. `changed` is told of what can be seen of it. */
  static async begin(items: Items, id: string, changed: () => void): Promise<Deletion | null> {
    const release = await holdIfFree(lockOf(id))
    if (!release) return null
    try {
      const item = await items.get(id)
      if (item?.state === 'kept') {
        const erase = await eraserOf(item)
        await items.put({ ...item, state: 'deleted' })
        changed()
        return new Deletion(items, item, erase, () => {
          release()
          changed()
        })
      }
    } catch (error) {
      release()
      throw error
    }
    release()
    return null
  }

  private constructor(items: Items, item: LibraryItem, erase: () => Promise<void>, over: () => void) {
    this.items = items
    this.item = item
    this.erase = erase
    this.over = over
  }

  /** If it rejects, nothing has been decided, and it can be tried again. */
  async undo(): Promise<void> {
    if (this.settled) return
    this.settled = true
    try {
      await this.items.put(this.item)
    } catch (error) {
      this.settled = false
      throw error
    }
    this.over()
  }

  /** There is no way back from here. What can't be erased now is erased by {@link finishFor}. */
  async finish(): Promise<void> {
    if (this.settled) return
    this.settled = true
    // Not one tick later: it may be the last thing that a page does.
    await eraseAll(this.items, this.item.id, this.erase).catch(() => undefined)
    this.over()
  }
}

/** Finishes a deletion when its page has decided or is gone. Resolves when nothing is left of it, if it was not taken back. */
export async function finishFor(items: Items, item: LibraryItem, changed: () => void): Promise<void> {
  await navigator.locks.request(lockOf(item.id), async () => {
    if ((await items.get(item.id))?.state !== 'deleted') return
    await eraseAll(items, item.id, await eraserOf(item))
    changed()
  })
}

const eraserOf = ({ id, file }: LibraryItem) => eraser(file, [exportName(id, 'mp4'), exportName(id, 'audio')])

/** The bytes first: as long as the entry is there, somebody knows that they should go. */
async function eraseAll(items: Items, id: string, erase: () => Promise<void>): Promise<void> {
  await erase()
  await items.remove(id)
}
