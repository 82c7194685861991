import { writeFileSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { offlineShell } from './build/offlineShell.ts'

// The edge that `vite dev` forwards the API and the WebSocket to.
const edge = process.env.CALLMESH_DEV_EDGE ?? 'http://127.0.0.1:8443'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

// embed.go embeds dist, so the folder must exist in a fresh clone; a build empties it, hence the placeholder is put back.
const keepPlaceholder: Plugin = {
  name: 'callmesh-keep-placeholder',
  apply: 'build',
  closeBundle() {
    writeFileSync(path('./dist/.gitkeep'), '')
  },
}

export default defineConfig({
  plugins: [vue(), keepPlaceholder, offlineShell],
  resolve: { alias: { '@': path('./src') } },
  define: {
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
    __VUE_PROD_DEVTOOLS__: false,
  },
  build: {
    target: 'es2022',
    // The page's CSP allows scripts and styles from files only; every supported browser preloads modules natively.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      input: { index: path('./index.html'), sw: path('./src/offline/worker.ts') },
      // A service worker rules over the folder that it is in, and browsers look for a newer one under the same name.
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  server: {
    // The edge refuses any origin but its own, which it knows by the Host header: both are rewritten.
    proxy: { '/v1': { target: edge, ws: true, changeOrigin: true, headers: { origin: edge } } },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts', 'build/**/*.test.ts', 'e2e/**/*.test.ts'],
    restoreMocks: true,
  },
})
