// Web Locks that tell pages of each other: the browser lets go of what a page holds when that page dies.

/** Takes a lock, when it is free; the returned function lets go of it. */
export function hold(name: string): Promise<() => void> {
  return new Promise((taken, refused) => {
    navigator.locks.request(name, () => new Promise<void>((release) => taken(release))).catch(refused)
  })
}

/** Takes a lock, or gives null if somebody has it. */
export function holdIfFree(name: string): Promise<(() => void) | null> {
  return new Promise((answer, refused) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => (lock ? new Promise<void>((release) => answer(release)) : answer(null)))
      .catch(refused)
  })
}
