import type { Size } from './layout'
import { paint } from './paint'
import type { Scene } from './scene'
import { tick } from './ticker'
import { TrackViews } from './trackViews'

/** Frames a second: what a small processor can encode beside a call, or what looks smooth. */
export function frameRate(cores: number): number {
  return cores > 4 ? 24 : 15
}

/** Whoever shows nothing by then is recorded without, ms. */
const READY_MS = 1_000

/** Who gets the pictures; while there is no room for one, none is painted. */
export interface PictureTaker {
  readonly room: boolean
  take(canvas: HTMLCanvasElement): void
}

/** Paints a scene again and again. Its size never changes, which a recording would not survive. */
export class Compositor {
  /** Pictures a second. */
  readonly rate = frameRate(navigator.hardwareConcurrency)
  private readonly canvas = document.createElement('canvas')
  private made: MediaStreamTrack | null = null
  private taker: PictureTaker | null = null
  private readonly views = new TrackViews()
  private readonly draw: () => void
  private readonly stopTicking: () => void
  private scene: Scene = { people: [], screens: [] }

  constructor(size: Size) {
    const { canvas } = this
    canvas.width = size.width
    canvas.height = size.height
    const context = canvas.getContext('2d', { alpha: false })
    if (!context) throw new Error('no canvas to paint on')
    this.draw = () => paint(context, size, this.scene, (track) => this.views.picture(track))
    this.draw()
    this.stopTicking = tick(1000 / this.rate, () => this.next())
  }

  /** As a track of their own. */
  get track(): MediaStreamTrack {
    if (this.made) return this.made
    const [track] = this.canvas.captureStream(this.rate).getVideoTracks()
    if (!track) throw new Error('a canvas without a track')
    return (this.made = track)
  }

  /** Gives pictures away one by one from now on. */
  giveTo(taker: PictureTaker): void {
    this.taker = taker
    this.next()
  }

  show(scene: Scene): void {
    this.scene = scene
    this.views.show([...scene.people.flatMap(({ camera }) => (camera ? [camera] : [])), ...scene.screens.map(({ track }) => track)])
  }

  /** Resolves when everybody has a picture and is painted, or soon. */
  async ready(): Promise<void> {
    await this.views.ready(READY_MS)
    this.draw()
  }

  stop(): void {
    this.stopTicking()
    this.made?.stop()
    this.views.clear()
  }

  private next(): void {
    if (this.taker && !this.taker.room) return
    this.draw()
    this.taker?.take(this.canvas)
  }
}
