import { gzipSync } from 'node:zlib'

/** What of a bundler's chunk is looked at here. */
export interface BuiltChunk {
  fileName: string
  code: string
  isEntry: boolean
  /** File names of chunks that it cannot do without. */
  imports: string[]
}

/** The scripts that the page loads before it shows anything: the entry, and whatever it imports without being asked. */
export function initialChunks(entry: string, chunks: readonly BuiltChunk[]): BuiltChunk[] {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]))
  const found = new Map<string, BuiltChunk>()
  const visit = (name: string): void => {
    const chunk = byName.get(name)
    if (!chunk || found.has(name)) return
    found.set(name, chunk)
    chunk.imports.forEach(visit)
  }
  visit(entry)
  return [...found.values()]
}

/** Bytes on the wire, each file compressed by itself as a server would. */
export function gzipBytes(files: readonly { code: string }[]): number {
  return files.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
}
