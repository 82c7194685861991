// The client library as one ES module, for sites that have a page of their own: `make library`, see ../README.md.
import { readFileSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

const asPackage: Plugin = {
  name: 'callmesh-library-package',
  generateBundle() {
    const { version } = JSON.parse(readFileSync(path('../package.json'), 'utf8')) as { version: string }
    const about = { name: 'callmesh', version, type: 'module', exports: { types: './types/client.d.ts', default: './callmesh.js' } }
    this.emitFile({ type: 'asset', fileName: 'package.json', source: JSON.stringify(about, null, 2) })
    this.emitFile({ type: 'asset', fileName: 'README.md', source: readFileSync(path('../README.md')) })
  },
}

export default defineConfig({
  root: path('..'),
  // Wherever a site puts it, it finds its workers and models beside itself.
  base: './',
  publicDir: false,
  plugins: [asPackage],
  build: {
    target: 'es2022',
    outDir: 'dist-lib',
    reportCompressedSize: false,
    // Whoever embeds it makes it small with the rest of their page, or reads it.
    minify: false,
    lib: { entry: path('../src/client.ts'), formats: ['es'], fileName: 'callmesh' },
  },
})
