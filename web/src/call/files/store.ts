/** Where the bytes of one file go as they come. */
export interface Sink {
  /** Adds bytes at the end. Rejects with the browser's DOMException; `QuotaExceededError` means that there is no room. */
  write(block: Uint8Array<ArrayBuffer>): Promise<void>
  /** All is there: what to save. */
  finish(): Promise<Blob>
  /** Not wanted any more, finished or not. */
  drop(): Promise<void>
}

export interface FileStore {
  /** `id` is of letters and digits; `size` in bytes is what will come. */
  create(id: string, size: number): Promise<Sink>
}

const FOLDER = 'received-files'
/** What another page of ours may still be using is younger than this, in ms. */
const STALE_MS = 24 * 3_600_000
/** Without the browser's file system a file is held by the browser as it likes: often in memory. In bytes. */
const MAX_HELD = 512 * 1024 ** 2

/** Keeps files in the browser's private file system, and where there is none (old Safari, http) as blobs. */
export class BrowserStore implements FileStore {
  private readonly storage: StorageManager | undefined
  private swept = false

  constructor(storage: StorageManager | undefined = globalThis.navigator?.storage) {
    this.storage = storage
  }

  async create(id: string, size: number): Promise<Sink> {
    const folder = await this.folder()
    const room = await this.storage?.estimate?.().catch(() => null)
    if (room?.quota !== undefined && room.usage !== undefined && room.quota - room.usage < size) throw noRoom()
    const file = await folder?.getFileHandle(`${Date.now()}-${id}`, { create: true }).catch(() => null)
    if (folder && file && typeof file.createWritable === 'function') return new DiskSink(folder, file, await file.createWritable())
    if (size > MAX_HELD) throw noRoom()
    return new HeldSink()
  }

  private async folder(): Promise<FileSystemDirectoryHandle | null> {
    try {
      const root = await this.storage?.getDirectory()
      const folder = (await root?.getDirectoryHandle(FOLDER, { create: true })) ?? null
      if (folder && !this.swept) await this.sweep(folder)
      return folder
    } catch {
      return null
    }
  }

  /** Throws away what pages that ended in the middle have left. */
  private async sweep(folder: FileSystemDirectoryHandle): Promise<void> {
    this.swept = true
    const names = (folder as FileSystemDirectoryHandle & { keys(): AsyncIterable<string> }).keys()
    for await (const name of names) {
      if (Date.now() - Number.parseInt(name) > STALE_MS) await folder.removeEntry(name).catch(() => undefined)
    }
  }
}

class DiskSink implements Sink {
  private readonly folder: FileSystemDirectoryHandle
  private readonly file: FileSystemFileHandle
  private readonly stream: FileSystemWritableFileStream
  private closed = false

  constructor(folder: FileSystemDirectoryHandle, file: FileSystemFileHandle, stream: FileSystemWritableFileStream) {
    this.folder = folder
    this.file = file
    this.stream = stream
  }

  write(block: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.stream.write(block)
  }

  async finish(): Promise<Blob> {
    this.closed = true
    await this.stream.close()
    return this.file.getFile()
  }

  async drop(): Promise<void> {
    if (!this.closed) await this.stream.abort().catch(() => undefined)
    this.closed = true
    await this.folder.removeEntry(this.file.name).catch(() => undefined)
  }
}

/** A blob of each block: the browser may keep those on disk, as a long array of bytes it could not. */
class HeldSink implements Sink {
  private blocks: Blob[] = []

  write(block: Uint8Array<ArrayBuffer>): Promise<void> {
    this.blocks.push(new Blob([block]))
    return Promise.resolve()
  }

  finish(): Promise<Blob> {
    return Promise.resolve(new Blob(this.blocks))
  }

  drop(): Promise<void> {
    this.blocks = []
    return Promise.resolve()
  }
}

function noRoom(): DOMException {
  return new DOMException('no room for a file of this size', 'QuotaExceededError')
}
