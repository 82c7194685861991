export type ChunkOrder = { do: 'open'; folder: string; name: string } | { do: 'append'; data: ArrayBuffer } | { do: 'close' }

/** `size` in bytes as it is after the order. */
export interface ChunkAnswer {
  size: number
  error?: string
}

/** `full`: there is no more space. `broken`: anything else. */
export class ChunkError extends Error {
  readonly kind: 'full' | 'broken'

  constructor(kind: ChunkError['kind'], cause: string) {
    super(cause)
    this.kind = kind
  }
}

/** Where a recorder puts its chunks. */
export interface ChunkSink {
  /** Resolves, with the size of all so far in bytes, once the chunk would survive the page. Rejects with a {@link ChunkError}. */
  append(chunk: ArrayBuffer): Promise<number>
  close(): Promise<void>
}

/** A file in the origin's private file system that grows chunk by chunk. Orders are obeyed one after another. */
export class ChunkFile implements ChunkSink {
  private readonly worker: Worker
  private readonly waiting: { resolve: (size: number) => void; reject: (error: ChunkError) => void }[] = []

  private constructor() {
    this.worker = new Worker(new URL('./chunkFile.worker.ts', import.meta.url), { type: 'module' })
    this.worker.onmessage = ({ data: { size, error } }: MessageEvent<ChunkAnswer>) => {
      const first = this.waiting.shift()
      if (error === undefined) first?.resolve(size)
      else first?.reject(new ChunkError(error === 'QuotaExceededError' ? 'full' : 'broken', error))
    }
    this.worker.onerror = (event) => {
      event.preventDefault()
      for (const { reject } of this.waiting.splice(0)) reject(new ChunkError('broken', event.message))
    }
  }

  static async open(folder: string, name: string): Promise<ChunkFile> {
    const file = new ChunkFile()
    try {
      await file.order({ do: 'open', folder, name })
    } catch (error) {
      file.worker.terminate()
      throw error
    }
    return file
  }

  append(data: ArrayBuffer): Promise<number> {
    return this.order({ do: 'append', data }, [data])
  }

  async close(): Promise<void> {
    await this.order({ do: 'close' }).finally(() => this.worker.terminate())
  }

  private order(order: ChunkOrder, transfer: Transferable[] = []): Promise<number> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.worker.postMessage(order, transfer)
    })
  }
}
