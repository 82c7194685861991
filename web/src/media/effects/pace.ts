/** How fine the work is done. */
export interface Fineness {
  /** Between two looks of the model for faces, in milliseconds. */
  faceMs: number
  /** Between two frames that need a mask of their own, in milliseconds at least. */
  maskMs: number
  /** Of width and height of the camera's picture that is worked on and sent. */
  scale: number
}

const LEVELS: readonly [Fineness, ...Fineness[]] = [
  { faceMs: 70, maskMs: 40, scale: 1 },
  { faceMs: 160, maskMs: 80, scale: 1 },
  { faceMs: 200, maskMs: 120, scale: 0.5 },
]
const WINDOW_MS = 2_000
/** Parts of the time in which the worker is at work. */
const BUSY = 0.75
const IDLE = 0.25
/** Nobody wants to be seen at less than five pictures a second. */
const HOPELESS_MS = 200
/** Of waiting for a model: coarser work would not make it shorter, so it is borne for longer. */
const HOPELESS_WAIT_MS = 1_000
const HOPELESS_WINDOWS = 2
const CALM_WINDOWS = 5
const CALM_WINDOWS_MOST = 40

export interface Cost {
  /** Mean over the last two seconds. */
  msPerFrame: number
  framesPerSecond: number
  /** 0 as fine as can be; more is coarser. */
  level: number
}

/** Measures what frames cost, makes the work coarser when it is too much and finer when there is room, and knows when to give up. */
export class Pace {
  private start: number
  private spentMs = 0
  private waitedMs = 0
  private frames = 0
  private level = 0
  private calm = 0
  private hopeless = 0
  /** Doubles at each step to coarser, so that a machine at its limit does not swing. */
  private patience = CALM_WINDOWS

  /** All times in milliseconds of one clock. */
  constructor(now: number) {
    this.start = now
  }

  get fineness(): Fineness {
    return LEVELS[this.level] ?? LEVELS[0]
  }

  get hopelesslySlow(): boolean {
    return this.hopeless >= HOPELESS_WINDOWS
  }

  /** Counts a frame that took so long, beside its wait for a model; returns the cost at the end of a window, and else null. */
  count(now: number, spentMs: number, waitedMs = 0): Cost | null {
    this.spentMs += spentMs
    this.waitedMs += waitedMs
    this.frames++
    const passed = now - this.start
    if (passed < WINDOW_MS) return null
    const msPerFrame = this.spentMs / this.frames
    const framesPerSecond = (this.frames * 1_000) / passed
    this.judge(this.spentMs / passed, msPerFrame, this.waitedMs / this.frames)
    this.start = now
    this.spentMs = 0
    this.waitedMs = 0
    this.frames = 0
    return { msPerFrame, framesPerSecond, level: this.level }
  }

  private judge(load: number, msPerFrame: number, waitPerFrame: number): void {
    this.calm = load < IDLE ? this.calm + 1 : 0
    const coarsest = this.level === LEVELS.length - 1
    const hopeless = (coarsest && load > BUSY && msPerFrame > HOPELESS_MS) || waitPerFrame > HOPELESS_WAIT_MS
    this.hopeless = hopeless ? this.hopeless + 1 : 0
    if (load > BUSY && !coarsest) {
      this.level++
      this.patience = Math.min(CALM_WINDOWS_MOST, this.patience * 2)
    } else if (this.level > 0 && this.calm >= this.patience) {
      this.level--
      this.calm = 0
    }
  }
}
