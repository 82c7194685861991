import type { ChunkAnswer, ChunkOrder } from './chunkFile'

// Writes into the file itself, chunk by chunk: what was flushed outlives the page, however it dies.
// (A FileSystemWritableFileStream would write into a copy that is thrown away unless it is closed.)

/** Of the File System Standard; TypeScript has it for workers only. */
interface SyncAccessHandle {
  write(data: ArrayBuffer, options: { at: number }): number
  truncate(size: number): void
  flush(): void
  close(): void
}

let handle: SyncAccessHandle | null = null
let size = 0

async function obey(order: ChunkOrder): Promise<void> {
  switch (order.do) {
    case 'open': {
      const root = await navigator.storage.getDirectory()
      const folder = await root.getDirectoryHandle(order.folder, { create: true })
      const file = (await folder.getFileHandle(order.name, { create: true })) as FileSystemFileHandle & {
        createSyncAccessHandle(): Promise<SyncAccessHandle>
      }
      handle = await file.createSyncAccessHandle()
      handle.truncate(0)
      return
    }
    case 'append': {
      if (!handle) throw new Error('the file is not open')
      const written = handle.write(order.data, { at: size })
      // Chromium may return the disk's error as a number larger than what there was to write.
      if (written !== order.data.byteLength) {
        // A chunk that is there in part would only be in the way of reading what is before it.
        handle.truncate(size)
        throw new DOMException('the disk took only a part', 'QuotaExceededError')
      }
      size += written
      handle.flush()
      return
    }
    case 'close':
      handle?.close()
      handle = null
  }
}

self.onmessage = ({ data: order }: MessageEvent<ChunkOrder>) => {
  const answer = (answer: ChunkAnswer) => self.postMessage(answer)
  obey(order).then(
    () => answer({ size }),
    (error: unknown) => answer({ size, error: error instanceof DOMException ? error.name : String(error) }),
  )
}
