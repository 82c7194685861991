import type { Format } from './convert'

/** The library's folder in the origin's private file system. */
export const FOLDER = 'library'
const EXPORTS = 'exports'

async function folder(name: string): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true })
}

/** The file as it is now; it is read piece by piece, when it is played. Rejects with a NotFoundError. */
export async function fileOf(name: string): Promise<File> {
  return (await (await folder(FOLDER)).getFileHandle(name)).getFile()
}

/** A stream that makes the file when it is closed; if it is aborted, nothing is left of it. */
export async function writeFile(name: string): Promise<FileSystemWritableFileStream> {
  return (await (await folder(FOLDER)).getFileHandle(name, { create: true })).createWritable()
}

/** As good as done if it is not there. */
export async function removeFile(name: string): Promise<void> {
  await (await folder(FOLDER)).removeEntry(name).catch(ignoreMissing)
}

/** What erases the file and what was made of it to be downloaded, beginning in the moment of the call. It rejects while something writes to the file. */
export async function eraser(name: string, exported: string[]): Promise<() => Promise<void>> {
  const [kept, exports] = await Promise.all([folder(FOLDER), folder(EXPORTS)])
  return async () => {
    await Promise.all([
      kept.removeEntry(name).catch((error: unknown) => {
        if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error
      }),
      ...exported.map((copy) => exports.removeEntry(copy).catch(ignoreMissing)),
    ])
  }
}

/** What an item's file is called when it is made to be downloaded. */
export const exportName = (id: string, format: Format) => `${id}.${format}`

/** Like {@link writeFile}, for what is only there to be downloaded. */
export async function exportFile(name: string): Promise<{ handle: FileSystemFileHandle; stream: FileSystemWritableFileStream }> {
  const handle = await (await folder(EXPORTS)).getFileHandle(name, { create: true })
  return { handle, stream: await handle.createWritable() }
}

/** Throws away what was made to be downloaded by earlier pages. */
export async function clearExports(): Promise<void> {
  await (await navigator.storage.getDirectory()).removeEntry(EXPORTS, { recursive: true }).catch(ignoreMissing)
}

function ignoreMissing(error: unknown): void {
  // Open in another tab, which will throw it away itself.
  if (error instanceof DOMException && (error.name === 'NotFoundError' || error.name === 'NoModificationAllowedError')) return
  throw error
}

/** Bytes; null where the browser doesn't tell. */
export async function space(): Promise<{ used: number; quota: number } | null> {
  const { usage, quota } = (await navigator.storage.estimate?.()) ?? {}
  return usage === undefined || !quota ? null : { used: usage, quota }
}
