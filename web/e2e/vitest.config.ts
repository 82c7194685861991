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
    // What a test waits for in turn adds up on a busy machine; only a failure takes so long.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // The other page is a way through two edges off: the default, a second, is too near to what that takes when the machine is busy.
    expect: { poll: { timeout: 20_000 } },
    teardownTimeout: 20_000,
    // Failing is reported with the logs of all processes, which a retry would only hide.
    retry: 0,
    reporters: ['verbose', fileURLToPath(new URL('harness/failures.ts', import.meta.url))],
  },
})
