import { writeFileSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

// The edge that `vite dev` forwards the API and the WebSocket to.
const edge = process.env.CALLMESH_DEV_EDGE ?? 'http://127.0.0.1:8443'

// embed.go embeds dist, so the folder must exist in a fresh clone; a build empties it, hence the placeholder is put back.
const keepPlaceholder: Plugin = {
  name: 'callmesh-keep-placeholder',
  apply: 'build',
  closeBundle() {
    writeFileSync(fileURLToPath(new URL('./dist/.gitkeep', import.meta.url)), '')
  },
}

export default defineConfig({
  plugins: [vue(), keepPlaceholder],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
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
  },
  server: {
    // The edge refuses any origin but its own, which it knows by the Host header: both are rewritten.
    proxy: { '/v1': { target: edge, ws: true, changeOrigin: true, headers: { origin: edge } } },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    restoreMocks: true,
  },
})
