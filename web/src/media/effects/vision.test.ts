import { beforeEach, expect, it, vi } from 'vitest'
import type { FromModel } from './messages'
import { Vision } from './vision'

class Canvas {
  width: number
  height: number

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
  }

  getContext() {
    return { clearRect() {}, drawImage() {} }
  }

  transferToImageBitmap() {
    return {}
  }
}

/** The pipeline's end of a model that answers when the test says so. */
class Port {
  asked = 0
  onmessage: ((event: { data: FromModel }) => void) | null = null

  postMessage() {
    this.asked++
  }

  answer(data: FromModel) {
    this.onmessage?.({ data })
  }
}

const mask = () => ({ close: vi.fn() }) as unknown as ImageBitmap & { close: ReturnType<typeof vi.fn> }
const frame = () => new OffscreenCanvas(640, 480)

beforeEach(() => {
  vi.stubGlobal('OffscreenCanvas', Canvas)
  vi.useFakeTimers()
  return () => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  }
})

function seeing(model: 'segmenter' | 'face') {
  const port = new Port()
  const failed = vi.fn()
  const vision = new Vision(failed)
  vision.add(model, port as unknown as MessagePort)
  return { vision, port, failed, look: () => vision.look([model], frame(), performance.now(), 0) }
}

async function warm() {
  const eye = seeing('segmenter')
  expect((await eye.look()).mask, 'before the first answer').toBeNull()
  eye.port.answer({ type: 'mask', mask: mask() })
  await vi.advanceTimersByTimeAsync(0)
  expect(eye.vision.hasSeen(['segmenter'])).toBe(true)
  return eye
}

it('lets go of a frame whose mask never comes, and says that the model has failed', async () => {
  const { look, port, failed } = await warm()
  const seen = look()
  await vi.advanceTimersByTimeAsync(2_500)
  expect(failed).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1_000)
  expect((await seen).mask).toBeNull()
  expect(failed).toHaveBeenCalledExactlyOnceWith('segmenter: no answer in 3000 ms')

  const { asked } = port
  expect((await look()).mask, 'while the model still owes an answer').toBeNull()
  expect(port.asked).toBe(asked)
  const late = mask()
  port.answer({ type: 'mask', mask: late })
  expect(late.close).toHaveBeenCalled()
  const next = look()
  const now = mask()
  port.answer({ type: 'mask', mask: now })
  expect((await next).mask, 'once it has come').toBe(now)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(failed).toHaveBeenCalledTimes(1)
})

it('waits longer for a model that loads, while frames go out, and not for ever', async () => {
  const { look, failed } = seeing('face')
  expect((await look()).face).toBeNull()
  await vi.advanceTimersByTimeAsync(59_000)
  expect(failed).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1_500)
  expect(failed).toHaveBeenCalledExactlyOnceWith('face: no answer in 60000 ms')
})
