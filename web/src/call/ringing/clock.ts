/** For how long after its time a call is waited for to be called off by the mesh, in ms: edges' clocks differ, and lines may be away. */
const LATE_MS = 10_000
/** So long after a call gave way to one that crossed it, the mesh has told which one stands. */
const YIELD_MS = 3_000

/** Ends by itself what the mesh should have ended: a call must not ring for ever because an event was lost. */
export class RingClock {
  private readonly ringMs: () => number
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>()

  constructor(ringMs: () => number) {
    this.ringMs = ringMs
  }

  /** The call rings. */
  begin(call: string, late: () => void): void {
    this.after(this.ringMs() + LATE_MS, call, late)
  }

  /** The call gave way to another, which is to be accepted in its place. */
  yield(call: string, late: () => void): void {
    this.after(YIELD_MS, call, late)
  }

  end(call: string | null): void {
    if (call === null) return
    clearTimeout(this.timers.get(call))
    this.timers.delete(call)
  }

  stop(): void {
    for (const call of [...this.timers.keys()]) this.end(call)
  }

  private after(ms: number, call: string, late: () => void): void {
    this.end(call)
    this.timers.set(
      call,
      setTimeout(() => {
        this.timers.delete(call)
        late()
      }, ms),
    )
  }
}
