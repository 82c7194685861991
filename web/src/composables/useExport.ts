import { onScopeDispose, shallowReadonly, shallowRef } from 'vue'
import type { Format } from '@/media/library/convert'
import { downloadName, type LibraryItem } from '@/media/library/item'
import type { Export } from '@/media/library/library'
import { saveBlob } from './saveBlob'

export interface ExportRun {
  title: string
  /** 0 to 1. */
  part: number
}

export type ExportOutcome = { kind: 'done'; name: string; codecs: string[] } | { kind: 'failed' } | { kind: 'gone' }

type Make = (item: LibraryItem, format: Format, progress: (part: number) => void, signal: AbortSignal) => Promise<Export>

/** Downloads from the library; one file is made at a time. */
export function useExport(make: Make) {
  const running = shallowRef<ExportRun | null>(null)
  const outcome = shallowRef<ExportOutcome | null>(null)
  let abort: AbortController | null = null

  async function start(item: LibraryItem, format: Format): Promise<void> {
    const own = new AbortController()
    outcome.value = null
    if (format !== 'webm') {
      if (abort) return
      abort = own
      running.value = { title: item.title, part: 0 }
    }
    try {
      const { file, ending, codecs } = await make(item, format, (part) => abort === own && (running.value = { title: item.title, part }), own.signal)
      const name = downloadName(item, ending)
      saveBlob(file, name)
      outcome.value = { kind: 'done', name, codecs }
    } catch (error) {
      if (own.signal.aborted) return
      outcome.value = { kind: error instanceof DOMException && error.name === 'NotFoundError' ? 'gone' : 'failed' }
    } finally {
      if (abort === own) abort = running.value = null
    }
  }

  onScopeDispose(() => abort?.abort())

  return {
    running: shallowReadonly(running),
    outcome: shallowReadonly(outcome),
    start,
    cancel: () => abort?.abort(),
    forget: () => void (outcome.value = null),
  }
}
