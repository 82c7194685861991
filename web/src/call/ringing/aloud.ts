const LOCK = 'callmesh.aloud'

/**
 * Lets one of all tabs of a browser ring aloud: `start` runs once this tab is the one, be it at once or because the other was closed, and what it returns
 * at the end. Where there are no Web Locks (plain http), every tab is the one. Returns the end of it.
 */
export function whileChosen(start: () => () => void, locks: Pick<LockManager, 'request'> | null = navigator.locks ?? null): () => void {
  const ended = new AbortController()
  const { signal } = ended
  if (!locks) {
    const stop = start()
    return () => stop()
  }
  locks
    .request(
      LOCK,
      { signal },
      () =>
        new Promise<void>((done) => {
          if (signal.aborted) return done()
          const stop = start()
          signal.addEventListener('abort', () => {
            stop()
            done()
          })
        }),
    )
    .catch(() => undefined) // given up before it was our turn
  return () => ended.abort()
}
