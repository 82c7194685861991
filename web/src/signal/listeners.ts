/** Those who want to be told of something. One that throws doesn't keep the others from hearing it. */
export class Listeners<T> {
  private readonly all = new Set<(value: T) => void>()

  add(listener: (value: T) => void): () => void {
    // Wrapped, so that one function added twice is two listeners, each with its own end.
    const own = (value: T) => listener(value)
    this.all.add(own)
    return () => this.all.delete(own)
  }

  emit(value: T): void {
    for (const listener of [...this.all]) {
      try {
        listener(value)
      } catch (error) {
        // Thrown again where the page's own error reporting sees it.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
