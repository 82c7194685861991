import { useObjectUrl } from '@vueuse/core'
import { computed, onMounted, ref, shallowRef } from 'vue'
import type { MessageKey } from '@/i18n/en'
import type { LibraryItem } from '@/media/library/item'

/** An item's file for an element to show, read piece by piece as it plays; or in words why not. */
export function useKeptFile(item: LibraryItem, read: (item: LibraryItem) => Promise<File>) {
  const file = shallowRef<File>()
  const url = useObjectUrl(file)
  const trouble = ref<MessageKey | null>(null)

  onMounted(async () => {
    try {
      file.value = await read(item)
    } catch {
      trouble.value = 'library.gone'
    }
  })

  /** For an element's error, which is the same for a file that is gone and for one that this browser cannot play. */
  async function failed(): Promise<void> {
    try {
      await file.value?.slice(0, 1).arrayBuffer()
      trouble.value = item.kind === 'picture' ? 'library.unreadable' : 'library.unplayable'
    } catch {
      trouble.value = 'library.gone'
    }
  }

  return { url: computed(() => url.value), trouble, failed }
}
