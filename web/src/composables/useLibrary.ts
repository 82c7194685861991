import { onScopeDispose, ref, shallowReadonly, shallowRef } from 'vue'
import type { LibraryItem } from '@/media/library/item'
import { Library } from '@/media/library/library'
import { clearExports } from '@/media/library/files'
import { useDeletions } from './useDeletions'

export type LibraryPhase = 'opening' | 'recovering' | 'open' | 'failed'

/** The library for as long as the scope lives; what was cut off is recovered as it opens. */
export function useLibrary() {
  const phase = ref<LibraryPhase>('opening')
  const items = shallowRef<LibraryItem[]>([])
  const space = shallowRef<{ used: number; quota: number } | null>(null)
  /** What was recovered; null for what had nothing in it. */
  const recovered = shallowRef<(LibraryItem | null)[]>([])
  let library: Library | null = null
  let over = false
  const deletions = useDeletions(async (item) => library?.delete(item) ?? null)

  async function refresh(): Promise<void> {
    if (!library || over) return
    items.value = await library.items()
    space.value = await library.space()
    await library.finishDeletions()
  }

  async function open(): Promise<void> {
    phase.value = 'opening'
    try {
      const opened = await Library.open()
      if (over) return opened.close()
      library = opened
      library.onChange(() => void refresh())
      await refresh()
      // Left behind by an earlier page; one that is being read cannot be thrown away, and need not be.
      await clearExports().catch(() => undefined)
      const abandoned = await library.abandoned()
      if (abandoned.length) {
        phase.value = 'recovering'
        for (const item of abandoned) recovered.value = [...recovered.value, await library.recover(item)]
        await refresh()
      }
      phase.value = 'open'
    } catch {
      phase.value = 'failed'
    }
  }

  void open()
  onScopeDispose(() => {
    over = true
    void deletions.close().finally(() => library?.close())
  })

  return {
    phase: shallowReadonly(phase),
    items: shallowReadonly(items),
    space: shallowReadonly(space),
    recovered: shallowReadonly(recovered),
    deleted: deletions.deleted,
    remove: deletions.remove,
    undo: deletions.undo,
    open,
    /** Only what is shown as an item can be asked for, so there is a library. */
    use: (): Library => library!,
    forgetRecovered: () => void (recovered.value = []),
  }
}
