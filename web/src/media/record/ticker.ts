/** Calls back every so many ms, in a tab that is in the background too, until the returned function is called. */
export function tick(everyMs: number, then: () => void): () => void {
  const worker = new Worker(new URL('./ticker.worker.ts', import.meta.url), { type: 'module' })
  worker.onmessage = then
  worker.postMessage(everyMs)
  return () => worker.terminate()
}
