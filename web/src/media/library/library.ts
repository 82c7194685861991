import { Catalogue } from './catalogue'
import type { Format } from './convert'
import { Deletion, finishFor } from './deletion'
import { exportFile, exportName, fileOf, removeFile, space, writeFile } from './files'
import { cleanTitle, isSoundOnly, type About, type LibraryItem } from './item'
import { hold } from './locks'
import { wholePart } from './tail'
import { thumbnail } from './thumbnail'

export interface OpenRecording {
  id: string
  /** In the library's folder, to be written to. */
  file: string
  /** Makes it a part of the library; null if there was nothing in it. */
  finish(): Promise<LibraryItem | null>
  /** Forgets it, as if it had not been begun. */
  discard(): Promise<void>
}

export interface Export {
  file: File
  /** Without a dot. */
  ending: 'webm' | 'mp4' | 'png'
  /** Such as H.264 and Opus. */
  codecs: string[]
}

/** Held by the page that writes it; the browser lets go of it when that page dies. */
const lockOf = (id: string) => `callmesh-recording-${id}`
const CHANNEL = 'callmesh-library'

/** Pictures and recordings on this device: a catalogue, and a file for each. All tabs of the page see the same. */
export class Library {
  private readonly catalogue: Catalogue
  private readonly channel = new BroadcastChannel(CHANNEL)
  private readonly listeners = new Set<() => void>()
  private readonly vanishing = new Set<string>()
  private closed = false

  private constructor(catalogue: Catalogue) {
    this.catalogue = catalogue
    this.channel.onmessage = () => this.listeners.forEach((listener) => listener())
  }

  static async open(): Promise<Library> {
    return new Library(await Catalogue.open())
  }

  close(): void {
    this.closed = true
    this.channel.close()
    this.catalogue.close()
  }

  /** Tells of every change, whichever tab made it, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Finished ones, newest first. */
  async items(): Promise<LibraryItem[]> {
    return (await this.catalogue.all()).filter(({ state }) => state === 'kept').sort((a, b) => b.at - a.at)
  }

  /** Recordings whose page died before it could finish them. */
  async abandoned(): Promise<LibraryItem[]> {
    const open = (await this.catalogue.all()).filter(({ state }) => state === 'open')
    if (open.length === 0) return []
    const held = new Set((await navigator.locks.query()).held?.map(({ name }) => name))
    return open.filter(({ id }) => !held.has(lockOf(id)))
  }

  space(): ReturnType<typeof space> {
    return space()
  }

  file(item: LibraryItem): Promise<File> {
    return fileOf(item.file)
  }

  /** Begins a recording: from now on it is found again, whatever happens to this page. */
  async begin(about: About, type: string): Promise<OpenRecording> {
    const id = crypto.randomUUID()
    const release = await hold(lockOf(id))
    const item = { ...blank(id, 'recording', about), type, file: `${id}.part.webm`, state: 'open' as const }
    await this.catalogue.put(item)
    return {
      id,
      file: item.file,
      finish: () => this.finish(item, false).finally(release),
      discard: () => this.remove(item).finally(release),
    }
  }

  /** Finishes what its dead page could not; null if nothing was in it, or another tab is at it. */
  async recover(item: LibraryItem): Promise<LibraryItem | null> {
    return navigator.locks.request(lockOf(item.id), { ifAvailable: true }, async (lock) => {
      if (!lock || (await this.catalogue.get(item.id))?.state !== 'open') return null
      return this.finish(item, true)
    })
  }

  async addPicture(picture: Blob, size: { width: number; height: number }, about: About): Promise<LibraryItem> {
    const id = crypto.randomUUID()
    const item: LibraryItem = { ...blank(id, 'picture', about), ...size, type: picture.type, bytes: picture.size, file: `${id}.png` }
    const stream = await writeFile(item.file)
    await picture.stream().pipeTo(stream)
    item.thumbnail = await thumbnail(picture, 'picture', null)
    await this.keep(item)
    return item
  }

  /** False if the title is empty, which changes nothing. */
  async rename(id: string, title: string): Promise<boolean> {
    const clean = cleanTitle(title)
    const item = await this.catalogue.get(id)
    if (clean === null || !item) return false
    await this.keep({ ...item, title: clean })
    return true
  }

  /** Deletes it; until that is finished, it can be taken back. Null if it is gone, or another page is at it. */
  delete(item: LibraryItem): Promise<Deletion | null> {
    return Deletion.begin(this.catalogue, item.id, () => this.changed())
  }

  /** Sees to it that what other pages have deleted goes when they let go of it, or now if they are gone. */
  async finishDeletions(): Promise<void> {
    for (const item of await this.catalogue.all()) {
      if (item.state !== 'deleted' || this.vanishing.has(item.id)) continue
      this.vanishing.add(item.id)
      // What can't be erased now waits for the next page.
      void finishFor(this.catalogue, item, () => this.changed())
        .catch(() => undefined)
        .finally(() => this.vanishing.delete(item.id))
    }
  }

  /** A part of a recording as a new item; times in seconds. */
  async trim(item: LibraryItem, from: number, to: number, title: string, progress?: (part: number) => void): Promise<LibraryItem> {
    const { convert } = await import('./convert')
    const id = crypto.randomUUID()
    const made: LibraryItem = { ...item, id, title: cleanTitle(title) ?? item.title, at: Date.now(), file: `${id}.webm`, recovered: false }
    try {
      await convert(await this.file(item), await writeFile(made.file), { format: 'webm', from, to, ...(progress && { progress }) })
      await this.describe(made)
    } catch (error) {
      await removeFile(made.file)
      throw error
    }
    await this.keep(made)
    return made
  }

  /** Makes a file to be downloaded: the kept one as it is where that is what is wanted, and for pictures. */
  async export(item: LibraryItem, format: Format, progress: (part: number) => void, signal: AbortSignal): Promise<Export> {
    const source = await this.file(item)
    if (item.kind === 'picture') return { file: source, ending: 'png', codecs: ['PNG'] }
    const { convert, contents } = await import('./convert')
    const asItIs = format === 'webm' || (format === 'audio' && isSoundOnly(item))
    if (asItIs) return { file: source, ending: 'webm', codecs: (await contents(source)).codecs }
    const { handle, stream } = await exportFile(exportName(item.id, format))
    await convert(source, stream, { format, progress, signal })
    const file = await handle.getFile()
    return { file, ending: format === 'mp4' ? 'mp4' : 'webm', codecs: (await contents(file)).codecs }
  }

  private async remove(item: LibraryItem): Promise<void> {
    await this.catalogue.remove(item.id)
    await removeFile(item.file)
    this.changed()
  }

  private async finish(item: LibraryItem, recovered: boolean): Promise<LibraryItem | null> {
    const part = await fileOf(item.file).catch(() => null)
    if (!part || part.size === 0) {
      await this.remove(item)
      return null
    }
    const done: LibraryItem = { ...item, state: 'kept', recovered, bytes: part.size, file: `${item.id}.webm` }
    try {
      const { convert } = await import('./convert')
      // A page that died may have written half a block.
      await convert(recovered ? await wholePart(part) : part, await writeFile(done.file), { format: 'webm' })
      await this.describe(done)
    } catch {
      // No space for a second copy, or nothing that can be rewritten: what was recorded stays as it is.
      await removeFile(done.file)
      done.file = item.file
      await this.describe(done).catch(() => undefined)
    }
    await this.keep(done)
    if (done.file !== item.file) await removeFile(item.file)
    return done
  }

  private async describe(item: LibraryItem): Promise<void> {
    const { contents } = await import('./convert')
    const file = await this.file(item)
    const { durationMs, width, height } = await contents(file)
    Object.assign(item, { durationMs, width, height, bytes: file.size })
    item.thumbnail = width === 0 ? null : await thumbnail(file, 'recording', durationMs)
  }

  private async keep(item: LibraryItem): Promise<void> {
    await this.catalogue.put(item)
    this.changed()
  }

  private changed(): void {
    if (this.closed) return
    this.listeners.forEach((listener) => listener())
    this.channel.postMessage(null)
  }
}

function blank(id: string, kind: LibraryItem['kind'], about: About): LibraryItem {
  return {
    id,
    kind,
    title: cleanTitle(about.title) ?? 'callmesh',
    who: about.who,
    at: Date.now(),
    durationMs: null,
    bytes: 0,
    width: 0,
    height: 0,
    type: '',
    file: '',
    state: 'kept',
    recovered: false,
    thumbnail: null,
  }
}
