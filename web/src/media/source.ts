import type { Problem } from './problems'
import { problemOf } from './problems'

/** Opens a device: the one with this id, or any if null. */
export type OpenTrack = (deviceId: string | null) => Promise<MediaStreamTrack>

export interface SourceView {
  /** `asking`: the browser is opening the device, perhaps asking the reader first. */
  state: 'off' | 'asking' | 'on'
  /** Why it is off though it was wanted; null when it is off by choice. */
  problem: Problem | null
  /** Of the device in use, or chosen for next time; null means the browser's choice. */
  deviceId: string | null
  label: string
  /** What to show and send; null unless `on`. */
  track: MediaStreamTrack | null
}

/** Something between a device's own track and those who get it: effects, or less noise. */
export interface TrackStage {
  /** The device's track from now on; null when it is let go. */
  attach(raw: MediaStreamTrack | null): void
  /** What is to be shown and sent of it, which may be the track itself; null while that is awaited. */
  readonly output: MediaStreamTrack | null
}

export interface SourceOptions {
  open: OpenTrack
  changed: () => void
  /** Must call `changed` when its output does. */
  stage?: TrackStage
  /** Keeps the device open while off, so that it is back at once: right for a microphone, wrong for a camera with a lamp. */
  keepOpen?: boolean
  /** Takes another device when this one is unplugged. */
  reopen?: boolean
  /** The reader chooses each time, so that not choosing is an answer and no problem. */
  declinable?: boolean
}

/**
 * One capture device and the wish to use it. Opening takes as long as a person takes to answer a question, so wishes may
 * change meanwhile: steps run one after another, and each looks at the latest wish.
 */
export class Source {
  private readonly options: SourceOptions
  private wanted = false
  private problem: Problem | null = null
  private chosen: string | null = null
  /** What is open; not shown to anybody while not wanted. */
  private track: MediaStreamTrack | null = null
  private openedFor: string | null = null
  /** Whether to keep the device open while off. */
  private warm = false
  /** Whether what is open was asked for in another way than one would now. */
  private stale = false
  private steps: Promise<void> = Promise.resolve()

  constructor(options: SourceOptions) {
    this.options = options
  }

  view(): SourceView {
    const track = this.wanted ? this.output : null
    return {
      state: !this.wanted ? 'off' : track ? 'on' : 'asking',
      problem: this.problem,
      deviceId: this.chosen ?? this.track?.getSettings().deviceId ?? null,
      label: this.track?.label ?? '',
      track,
    }
  }

  /** What is kept open while off; nobody but the reader's own page may hear of it. */
  resting(): MediaStreamTrack | null {
    return !this.wanted && this.track?.readyState === 'live' ? this.track : null
  }

  /** Resolves once the wish is fulfilled, has failed (see the view's problem), or was overtaken by another. */
  set(on: boolean): Promise<void> {
    if (this.wanted !== on || on) this.problem = null
    this.wanted = on
    if (on) this.warm = this.options.keepOpen ?? false
    const settled = this.settle()
    this.options.changed()
    return settled
  }

  /** Chooses the device for now, if on, and for next time. The track is replaced without a gap where the browser can hold two devices open. */
  select(deviceId: string | null): Promise<void> {
    this.chosen = deviceId
    return this.settle()
  }

  /** Opens the device anew, as after a change of what is asked of it; the next time, if it is off. */
  reopen(): Promise<void> {
    this.stale = true
    return this.settle()
  }

  /** Turns off and lets go of the device. */
  release(): Promise<void> {
    this.warm = false
    return this.set(false)
  }

  private get output(): MediaStreamTrack | null {
    return this.track && this.options.stage ? this.options.stage.output : this.track
  }

  private take(track: MediaStreamTrack | null): void {
    this.track = track
    this.options.stage?.attach(track)
  }

  private settle(): Promise<void> {
    // A screen may only be asked for in the click's own turn, so an idle source starts at once.
    this.steps = this.steps.then(() => this.step())
    return this.steps
  }

  private async step(): Promise<void> {
    if (!this.wanted) {
      this.rest()
      return
    }
    if (this.track && this.track.readyState === 'live' && this.openedFor === this.chosen && !this.stale) {
      this.track.enabled = true
      this.options.changed()
      return
    }
    const track = await this.openFor(this.chosen)
    if (!track) return
    const before = this.track
    this.stale = false
    this.take(track)
    track.addEventListener('ended', this.ended)
    this.drop(before)
    if (this.wanted) this.options.changed()
    else this.rest()
  }

  /** Opens a device, or notes why not. */
  private async openFor(chosen: string | null): Promise<MediaStreamTrack | null> {
    try {
      const track = await this.options.open(chosen)
      this.openedFor = chosen
      return track
    } catch (thrown) {
      const problem = problemOf(thrown)
      // Some systems hold one device of a kind at a time: then there is a gap, but it works.
      if (problem === 'busy' && this.track) {
        this.drop(this.track)
        this.take(null)
        return this.openFor(chosen)
      }
      // The chosen one is not plugged in: any is better than none.
      if (problem === 'missing' && chosen !== null) {
        if (this.chosen === chosen) this.chosen = null
        return this.openFor(null)
      }
      const declined = this.options.declinable && (problem === 'denied' || problem === 'dismissed')
      if (this.wanted && !declined) this.problem = problem
      // The device that was in use, if any, goes on: a failed change must not end what works.
      if (this.track?.readyState !== 'live') {
        this.take(null)
        this.wanted = false
      } else {
        this.chosen = this.openedFor
      }
      this.options.changed()
      return null
    }
  }

  private rest(): void {
    if (this.warm) {
      if (this.track) this.track.enabled = false
    } else {
      this.drop(this.track)
      this.take(null)
    }
    this.options.changed()
  }

  private drop(track: MediaStreamTrack | null): void {
    track?.removeEventListener('ended', this.ended)
    track?.stop()
  }

  // Not told of our own stop(): only of a device that went away, or of the browser's own "stop sharing".
  private readonly ended = (): void => {
    this.drop(this.track)
    this.take(null)
    if (this.wanted && this.options.reopen) {
      this.chosen = null
      void this.settle().then(() => {
        if (this.problem === 'missing') this.problem = 'lost'
        this.options.changed()
      })
    } else {
      this.wanted = false
    }
    this.options.changed()
  }
}
