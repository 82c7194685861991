import { fileURLToPath, URL } from 'node:url'
import { defineConfig } from 'vitest/config'

// One file after another: each starts a browser, and the codecs of one call keep two cores busy.
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    environment: 'node',
    include: ['**/*.e2e.ts'],
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 90_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // Failing is reported with the logs of all processes, which a retry would only hide.
    retry: 0,
    reporters: ['verbose'],
  },
})
