import { Listeners } from '../../signal/listeners'
import type { TrackStage } from '../source'
import type { Engine, EngineNews } from './engine'
import type { Cost } from './pace'
import { isPlain, modelsFor, NO_EFFECTS, type EffectSettings } from './settings'

/** Why the camera's own picture is shown though effects are chosen. `load`: the code of the effects did not come. */
export type EffectsProblem = 'load' | 'slow' | 'models' | 'frames' | 'unsupported'

export interface EffectsView {
  settings: EffectSettings
  /** `preparing`: frames go out, but not with all effects, as a model gets ready. */
  state: 'off' | 'starting' | 'preparing' | 'on'
  problem: EffectsProblem | null
  /** What the work costs; null while there is none, and for its first seconds. */
  cost: Cost | null
  /** The camera's own picture, to compare with. */
  raw: MediaStreamTrack | null
}

export interface CameraEffectsOptions {
  /** The output has changed. */
  changed: () => void
  /** Brings the engine, which is loaded when it is used. */
  load?: () => Promise<(news: (news: EngineNews) => void) => Engine>
  /** How long to wait for the engine, and then for the first frame, in milliseconds. */
  startMs?: number
}

const START_MS = 10_000

/**
 * The stage between the camera and everybody who is shown it. It gives the camera's own track when no effect is chosen, while the first
 * frame of the work is awaited if that track was shown before, and when the work fails or is too slow. Else it gives the worked track.
 */
export class CameraEffects implements TrackStage {
  private readonly listeners = new Listeners<EffectsView>()
  private readonly options: Required<CameraEffectsOptions>
  private settings = NO_EFFECTS
  private picture: ImageBitmap | null = null
  private raw: MediaStreamTrack | null = null
  /** The camera that others have seen without effects. */
  private bared: MediaStreamTrack | null = null
  private engine: Engine | null = null
  private loading: Promise<void> | null = null
  private worked: MediaStreamTrack | null = null
  private going = false
  private ready = false
  private problem: EffectsProblem | null = null
  private cost: Cost | null = null
  private patience: ReturnType<typeof setTimeout> | undefined

  constructor(options: CameraEffectsOptions) {
    this.options = { startMs: START_MS, load: async () => (await import('./engine')).startEngine, ...options }
  }

  /** What is to be shown of this camera; null to wait for it. */
  get output(): MediaStreamTrack | null {
    if (!this.working || (!this.going && this.bared === this.raw)) return this.raw
    return this.going ? this.worked : null
  }

  view(): EffectsView {
    const state = !this.working || !this.raw ? 'off' : !this.going ? 'starting' : this.ready ? 'on' : 'preparing'
    return { settings: this.settings, state, problem: this.problem, cost: state === 'off' ? null : this.cost, raw: this.raw }
  }

  /** Tells the state now and at every change, until the returned function is called. */
  subscribe(listener: (view: EffectsView) => void): () => void {
    const end = this.listeners.add(listener)
    listener(this.view())
    return end
  }

  /** `unseen` says that nobody else sees the camera yet: then nobody does before the effects are there. */
  set(settings: EffectSettings, unseen = false): void {
    if (unseen) this.bared = null
    const known = modelsFor(this.settings)
    if (modelsFor(settings).some((model) => !known.includes(model))) this.ready = false
    this.settings = settings
    this.problem = null
    this.apply()
  }

  /** Takes the reader's own picture for a background; it is this object's to close. */
  setPicture(picture: ImageBitmap): void {
    this.picture?.close()
    this.picture = picture
    this.engine?.set(this.settings, picture)
  }

  get hasPicture(): boolean {
    return this.picture !== null
  }

  /** Tries again what has failed or was too slow. */
  retry(): void {
    this.set(this.settings)
  }

  attach(raw: MediaStreamTrack | null): void {
    if (raw === this.raw) return
    this.raw = raw
    if (raw && this.engine && this.worked) this.feed(this.engine, raw)
    else this.apply()
    if (!raw) this.rest()
    this.tell()
  }

  close(): void {
    this.raw = null
    // Nothing is wanted of an engine that is still on its way.
    this.settings = NO_EFFECTS
    this.stop()
    this.picture?.close()
    this.picture = null
  }

  private get working(): boolean {
    return !isPlain(this.settings) && this.problem === null
  }

  private apply(): void {
    if (!this.working) {
      this.bared = this.raw
      // The next effect is likely near, but nothing must run for nobody.
      this.stop()
    } else if (this.raw) {
      if (this.engine) this.begin(this.engine)
      else {
        this.loading ??= this.load()
        this.wait('load')
      }
    }
    this.tell()
  }

  private async load(): Promise<void> {
    let problem: EffectsProblem = 'load'
    try {
      const start = await this.options.load()
      if (!this.working) return
      problem = 'unsupported'
      this.engine = start((news) => this.heard(news))
      if (this.picture) this.engine.set(this.settings, this.picture)
      this.begin(this.engine)
    } catch {
      this.fail(problem)
    } finally {
      this.loading = null
    }
  }

  /** Gives up after a while, unless the first frame comes. */
  private wait(problem: EffectsProblem): void {
    clearTimeout(this.patience)
    this.patience = setTimeout(() => {
      // A camera that gives nothing, as behind a cover that the system knows of, is no fault of the effects.
      if (this.engine && this.raw?.muted) this.wait(problem)
      else this.fail(problem)
    }, this.options.startMs)
  }

  private begin(engine: Engine): void {
    engine.set(this.settings)
    if (this.raw && !this.worked && this.feed(engine, this.raw)) this.wait('frames')
  }

  private feed(engine: Engine, raw: MediaStreamTrack): boolean {
    try {
      this.worked = engine.attach(raw)
      return true
    } catch {
      this.fail('unsupported')
      return false
    }
  }

  private heard(news: EngineNews): void {
    if (!this.engine) return
    if (news.type === 'going') {
      clearTimeout(this.patience)
      this.going = this.worked !== null
    } else if (news.type === 'ready') this.ready = news.ready
    else if (news.type === 'cost') this.cost = news.cost
    else if (news.type === 'slow') this.fail('slow')
    // What fails once the camera has been let go of is the end of its frames.
    else if (this.worked || news.what === 'models') this.fail(news.what)
    this.tell()
  }

  private fail(problem: EffectsProblem): void {
    // What was taken off meanwhile has no problem.
    if (!this.working) return
    this.problem = problem
    this.apply()
  }

  private rest(): void {
    clearTimeout(this.patience)
    this.engine?.rest()
    this.worked = null
    this.going = false
    this.cost = null
  }

  private stop(): void {
    this.rest()
    this.engine?.close()
    this.engine = null
    this.ready = false
  }

  private tell(): void {
    this.options.changed()
    this.listeners.emit(this.view())
  }
}
