import { bestColumns, type Size } from '../record/layout'
import { paint } from '../record/paint'
import type { Scene } from '../record/scene'
import { TrackViews } from '../record/trackViews'

/** A track that has shown nothing for so long is left empty, ms. */
const PATIENCE_MS = 3_000
/** Whoever takes a picture means this moment: a larger one that has not come by then is not waited for, ms. */
const LARGER_MS = 1_000
/** Nothing is gained beyond, and browsers refuse canvases not much larger. */
const LARGEST: Size = { width: 3840, height: 2160 }
const USUAL: Size = { width: 1280, height: 720 }

/** A picture of one track, every pixel of it; of those that are about to send larger pictures (`larger`), of one of these if they come soon. Rejects if none came. */
export async function shootTrack(track: MediaStreamTrack, larger: readonly MediaStreamTrack[] = []): Promise<HTMLCanvasElement> {
  const views = new TrackViews()
  try {
    views.show([track])
    await views.ready(PATIENCE_MS)
    await views.grown(larger, LARGER_MS)
    const picture = views.picture(track)
    if (!picture) throw new Error('the track has shown no picture')
    const { canvas, context } = made(picture.size)
    context.drawImage(picture.image, 0, 0)
    return canvas
  } finally {
    views.clear()
  }
}

/** A picture of everybody, so large that the largest of them keeps all its pixels, up to 4K; `larger` as for {@link shootTrack}. */
export async function shootScene(scene: Scene, larger: readonly MediaStreamTrack[] = []): Promise<HTMLCanvasElement> {
  const views = new TrackViews()
  try {
    const cameras = scene.people.flatMap(({ camera }) => (camera ? [camera] : []))
    const tracks = [...cameras, ...scene.screens.map(({ track }) => track)]
    views.show(tracks)
    await views.ready(PATIENCE_MS)
    await views.grown(larger, LARGER_MS)
    const sizes = tracks.flatMap((track) => views.picture(track)?.size ?? [])
    const size = sceneSize(scene.screens.length || scene.people.length, sizes)
    const { canvas, context } = made(size)
    paint(context, size, scene, (track) => views.picture(track))
    return canvas
  } finally {
    views.clear()
  }
}

/** px, 16:9, for so many tiles with pictures of these sizes. */
export function sceneSize(tiles: number, pictures: Size[]): Size {
  const width = Math.max(USUAL.width / 2, ...pictures.map((picture) => Math.max(picture.width, (picture.height * 16) / 9)))
  const wanted = width * bestColumns(Math.max(1, tiles), USUAL, 0)
  const whole = Math.min(LARGEST.width, Math.max(USUAL.width, Math.ceil(wanted / 16) * 16))
  return { width: whole, height: (whole * 9) / 16 }
}

/** The picture as a file. */
export function png(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture could not be encoded'))), 'image/png')
  })
}

function made({ width, height }: Size): { canvas: HTMLCanvasElement; context: CanvasRenderingContext2D } {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d', { alpha: false })
  if (!context) throw new Error('no canvas to paint on')
  return { canvas, context }
}
