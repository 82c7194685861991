import { shallowReadonly, shallowRef } from 'vue'
import type { Deletion } from '@/media/library/deletion'
import type { LibraryItem } from '@/media/library/item'

/** How long a deletion can be taken back, in ms. */
export const UNDO_MS = 10_000

/** What has been deleted and can be brought back, the last one first. */
export interface Deleted {
  item: LibraryItem
  /** It could not be brought back. */
  failed: boolean
}

/** Deletions that can be taken back for a while, or until they are closed. */
export function useDeletions(begin: (item: LibraryItem) => Promise<Deletion | null>) {
  const deleted = shallowRef<readonly Deleted[]>([])
  let left = false
  const waiting = new Map<string, { deletion: Deletion; timer: ReturnType<typeof setTimeout> }>()

  /** Whether it can be taken back. Rejects if it can't be deleted. */
  async function remove(item: LibraryItem): Promise<boolean> {
    const deletion = await begin(item)
    if (left) await deletion?.finish()
    if (!deletion || left) return false
    waiting.set(item.id, { deletion, timer: setTimeout(() => void finish(item.id), UNDO_MS) })
    show({ item, failed: false })
    return true
  }

  /** Whether it is back. */
  async function undo({ id }: LibraryItem): Promise<boolean> {
    const found = waiting.get(id)
    if (!found) return false
    const { deletion, timer } = found
    clearTimeout(timer)
    try {
      await deletion.undo()
    } catch {
      waiting.set(id, { deletion, timer: setTimeout(() => void finish(id), UNDO_MS) })
      show({ item: deletion.item, failed: true })
      return false
    }
    forget(id)
    return true
  }

  async function finish(id: string): Promise<void> {
    const found = waiting.get(id)
    if (!found) return
    clearTimeout(found.timer)
    forget(id)
    await found.deletion.finish()
  }

  async function finishAll(): Promise<void> {
    await Promise.all([...waiting.keys()].map(finish))
  }

  function show(entry: Deleted): void {
    deleted.value = [entry, ...without(entry.item.id)]
  }

  function forget(id: string): void {
    waiting.delete(id)
    deleted.value = without(id)
  }

  const without = (id: string) => deleted.value.filter(({ item }) => item.id !== id)

  // A page that goes away may not come back to do it.
  const leave = () => void finishAll()
  addEventListener('pagehide', leave)

  return {
    deleted: shallowReadonly(deleted),
    remove,
    undo,
    /** Nothing can be taken back any more. Resolves when all of it is gone. */
    close(): Promise<void> {
      left = true
      removeEventListener('pagehide', leave)
      return finishAll()
    },
  }
}
