// The pipeline off the main thread, which so stays free, and which browsers slow down in tabs that nobody looks at.
import type { FromPipeline, ToPipeline } from './messages'
import { Pipeline } from './pipeline'
import { Vision } from './vision'

const vision = new Vision((message) => tell({ type: 'failed', what: 'models', message }))
const pipeline = new Pipeline(vision)
let own: ImageBitmap | null = null
let reader: ReadableStreamDefaultReader<VideoFrame> | null = null
let writer: WritableStreamDefaultWriter<VideoFrame> | null = null
let timer: ReturnType<typeof setInterval> | undefined
let going = false
/** Whether all effects are in the frames, as told; null when that is to be told anew. */
let ready: boolean | null = null
/** The frame that is worked on. */
let passing: Promise<void> = Promise.resolve()

self.onmessage = ({ data }: MessageEvent<ToPipeline>) => {
  switch (data.type) {
    case 'settings':
      if (data.picture !== undefined) {
        own?.close()
        own = data.picture
      }
      pipeline.set(data.settings, own)
      ready = null
      break
    case 'frames':
      begin(data.writable !== undefined)
      if (data.writable) writer = data.writable.getWriter()
      void pump(data.readable)
      break
    case 'rest':
      clearInterval(timer)
      void reader?.cancel().catch(() => undefined)
      reader = null
      writer = null
      vision.blink()
      break
    case 'model':
      vision.add(data.model, data.port)
      break
    case 'ticks':
      begin(true)
      clearInterval(timer)
      if (data.everyMs !== null) timer = setInterval(tick, data.everyMs)
      break
    case 'bitmap':
      // The one before may be of an earlier camera, and still wait for its mask.
      passing = passing.catch(() => undefined).then(() => drawBitmap(data.bitmap))
  }
}

function begin(anew: boolean): void {
  vision.blink()
  if (anew) going = false
}

/** Until the camera ends or another takes its place. The stream keeps but the newest frame, so who is slow drops frames and never lags. */
async function pump(readable: ReadableStream<VideoFrame>): Promise<void> {
  const mine = readable.getReader()
  void reader?.cancel().catch(() => undefined)
  reader = mine
  try {
    for (;;) {
      const { value: frame, done } = await mine.read()
      if (done) return
      // An earlier camera's last frame may still wait for its mask.
      await passing.catch(() => undefined)
      if (reader !== mine) {
        frame.close()
        return
      }
      if (!pipeline.due(performance.now())) {
        frame.close()
        continue
      }
      passing = pass(frame, () => reader === mine)
      await passing
    }
  } catch (thrown) {
    // A writer that is gone is no failure: the page has let go of its track.
    if (reader === mine) tell({ type: 'failed', what: 'frames', message: String(thrown) })
  }
}

async function pass(frame: VideoFrame, wanted: () => boolean): Promise<void> {
  const start = performance.now()
  const { timestamp } = frame
  // The frame is copied before anything is awaited, and cameras have few to lend.
  const drawing = pipeline.draw(frame, frame.displayWidth, frame.displayHeight)
  frame.close()
  const { canvas, waitedMs, complete } = await drawing
  if (!wanted()) return
  const out = new VideoFrame(canvas, { timestamp, alpha: 'discard' })
  const spentMs = performance.now() - start - waitedMs
  try {
    // Closes it, unless the track has ended.
    await writer?.write(out)
  } finally {
    out.close()
  }
  counted(spentMs, waitedMs, complete)
}

function tick(): void {
  if (pipeline.due(performance.now())) tell({ type: 'tick' })
}

async function drawBitmap(bitmap: ImageBitmap): Promise<void> {
  const start = performance.now()
  try {
    const drawing = pipeline.draw(bitmap, bitmap.width, bitmap.height)
    bitmap.close()
    const { canvas, waitedMs, complete } = await drawing
    const out = canvas.transferToImageBitmap()
    tell({ type: 'bitmap', bitmap: out }, [out])
    counted(performance.now() - start - waitedMs, waitedMs, complete)
  } catch (thrown) {
    tell({ type: 'failed', what: 'frames', message: String(thrown) })
  }
}

/** Tells what has gone out with a frame. */
function counted(spentMs: number, waitedMs: number, complete: boolean | null): void {
  if (!going) {
    going = true
    tell({ type: 'going' })
  }
  if (complete !== null && complete !== ready) {
    ready = complete
    tell({ type: 'ready', ready })
  }
  const cost = pipeline.count(spentMs, waitedMs)
  if (cost) tell({ type: 'cost', cost })
  if (pipeline.tooSlow) tell({ type: 'slow' })
}

function tell(message: FromPipeline, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer })
}
