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

/** Paints a scene again and again into one track. Its size never changes, which a recording would not survive. */
export class Compositor {
  readonly track: MediaStreamTrack
  private readonly views = new TrackViews()
  private readonly draw: () => void
  private readonly stopTicking: () => void
  private scene: Scene = { people: [], screens: [] }

  constructor(size: Size) {
    const canvas = document.createElement('canvas')
    canvas.width = size.width
    canvas.height = size.height
    const context = canvas.getContext('2d', { alpha: false })
    if (!context) throw new Error('no canvas to paint on')
    this.draw = () => paint(context, size, this.scene, (track) => this.views.picture(track))
    this.draw()
    const rate = frameRate(navigator.hardwareConcurrency)
    const [track] = canvas.captureStream(rate).getVideoTracks()
    if (!track) throw new Error('a canvas without a track')
    this.track = track
    this.stopTicking = tick(1000 / rate, this.draw)
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
    this.track.stop()
    this.views.clear()
  }
}
