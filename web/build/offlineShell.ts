import { createHash } from 'node:crypto'
import type { Plugin } from 'vite'
import { gzipBytes, initialChunks, type BuiltChunk } from './initialFiles.ts'

/** What the page may cost before it shows anything, in bytes of compressed JavaScript: effects, recorders and models are loaded when used. */
const LIMIT = 200_000
/** Beside what is built; public/ has them. */
const PUBLIC = ['/favicon.svg', '/manifest.json', '/icons/icon-192.png']
const WORKER = 'sw.js'

/**
 * Tells the service worker which files the page opens with, and under which version; fails the build when these have become too many bytes.
 */
export const offlineShell: Plugin = {
  name: 'callmesh-offline-shell',
  apply: 'build',
  enforce: 'post',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      const outputs = Object.values(bundle)
      const chunks: BuiltChunk[] = outputs.flatMap((output) => (output.type === 'chunk' ? [output] : []))
      const worker = outputs.find((output) => output.fileName === WORKER)
      const page = outputs.find((output) => output.fileName === 'index.html')
      const entry = chunks.find(({ isEntry, fileName }) => isEntry && fileName !== WORKER)
      if (worker?.type !== 'chunk' || page?.type !== 'asset' || !entry) throw new Error('the build has no index.html, no entry or no sw.js')
      if (worker.imports.length) throw new Error('sw.js is a classic worker and can import nothing')

      const initial = initialChunks(entry.fileName, chunks)
      const bytes = gzipBytes(initial)
      const figure = `initial JavaScript: ${(bytes / 1000).toFixed(1)} KB gzipped in ${initial.length} files, of ${LIMIT / 1000} KB`
      if (bytes > LIMIT) throw new Error(`${figure}: load what is not needed at first by import()`)
      console.log(figure)

      const html = String(page.source)
      const styles = outputs.map(({ fileName }) => fileName).filter((name) => name.endsWith('.css') && html.includes(name))
      const files = ['/', ...initial.map(({ fileName }) => `/${fileName}`), ...styles.map((name) => `/${name}`), ...PUBLIC]
      const version = createHash('sha256').update(html).update(worker.code).digest('hex').slice(0, 12)
      worker.code = `self.shell=${JSON.stringify({ version, files })};\n${worker.code}`
    },
  },
}
