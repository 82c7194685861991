// Runs one of MediaPipe's models. Its libraries are scripts made for a page, in a time before modules, so this is a classic worker that
// looks like a page to them: it must not import anything but types.
import type { FromModel, ModelStart } from './messages'

interface Results {
  segmentationMask?: ImageBitmap
  multiFaceLandmarks?: { x: number; y: number }[][]
}

interface Solution {
  setOptions(options: Record<string, unknown>): void
  onResults(listener: (results: Results) => void): void
  send(inputs: { image: ImageBitmap }): Promise<void>
}

type SolutionMaker = new (config: { locateFile(name: string): string }) => Solution

interface PageLike {
  window: unknown
  document: unknown
  Function: unknown
  importScripts(url: string): void
  SelfieSegmentation?: SolutionMaker
  FaceMesh?: SolutionMaker
}

const page = self as unknown as PageLike

self.onmessage = ({ data }: MessageEvent<ModelStart>) => {
  const { port } = data
  let solution: Solution
  try {
    solution = load(data)
  } catch (thrown) {
    // Said to whoever asks, as what is said before would be heard by nobody.
    port.onmessage = () => answer(port, { type: 'failed', message: String(thrown) })
    return
  }
  let results: Results = {}
  solution.onResults((now) => (results = now))
  port.onmessage = async ({ data: image }: MessageEvent<ImageBitmap>) => {
    try {
      await solution.send({ image })
      if (data.model === 'segmenter') {
        if (!results.segmentationMask) throw new Error('the segmenter gave no mask')
        answer(port, { type: 'mask', mask: results.segmentationMask }, [results.segmentationMask])
      } else {
        answer(port, { type: 'face', points: flat(results.multiFaceLandmarks?.[0]) })
      }
    } catch (thrown) {
      answer(port, { type: 'failed', message: String(thrown) })
    } finally {
      image.close()
    }
  }
}

function load({ model, script, files }: ModelStart): Solution {
  // The library tells of its GL context as if that were a warning.
  console.warn = () => undefined
  page.window = self
  page.document = { addEventListener: ignore, removeEventListener: ignore, createElement: elementLike, body: { appendChild: run } }
  page.Function = FunctionLike
  page.importScripts(script)
  const Maker = model === 'segmenter' ? page.SelfieSegmentation : page.FaceMesh
  if (!Maker) throw new Error(`${script} brought no ${model}`)
  const solution = new Maker({ locateFile: (name) => files[name] ?? missing(name) })
  solution.setOptions(model === 'segmenter' ? { modelSelection: 1 } : { maxNumFaces: 1, minDetectionConfidence: 0.5, minTrackingConfidence: 0.5 })
  return solution
}

function flat(points: { x: number; y: number }[] | undefined): Float32Array | null {
  return points ? Float32Array.from(points.flatMap(({ x, y }) => [x, y])) : null
}

function answer(port: MessagePort, message: FromModel, transfer: Transferable[] = []): void {
  port.postMessage(message, transfer)
}

/** The page brings the files for browsers with SIMD alone, which all have that have the rest of what effects need. */
function missing(name: string): never {
  throw new Error(`the page has no ${name}`)
}

function ignore(): void {}

type ScriptLike = { src: string; load: () => void; error: () => void }

function elementLike(kind: string): unknown {
  if (kind === 'canvas') return Object.assign(new OffscreenCanvas(1, 1), { style: {} })
  const script: ScriptLike = { src: '', load: ignore, error: ignore }
  return Object.assign(script, {
    setAttribute: (name: string, value: string) => name === 'src' && (script.src = value),
    addEventListener: (event: 'load' | 'error', listener: () => void) => (script[event] = listener),
  })
}

function run(script: ScriptLike): void {
  try {
    page.importScripts(script.src)
    queueMicrotask(script.load)
  } catch {
    queueMicrotask(script.error)
  }
}

// The face mesh's glue (Emscripten's embind) writes functions as text and has them evaluated, which the page's policy forbids. There are
// three kinds of them; these are what the texts say, made without any.
type Wire = {
  toWireType(destructors: unknown[] | null, value: unknown): unknown
  fromWireType(value: unknown): unknown
  readValueFromPointer(at: number): unknown
  deleteObject?(value: unknown): void
  argPackAdvance: number
  isVoid?: boolean
}

function FunctionLike(...words: string[]): unknown {
  const text = words.pop() ?? ''
  if (words[0] === 'body') return named
  if (words[0] === 'throwBindingError') return invokerMaker(words, text)
  if (words[0] === 'retType') return methodCaller
  throw new EvalError('text is not evaluated here')
}
FunctionLike.prototype = Function.prototype

function named(body: (...given: unknown[]) => unknown) {
  // Not an arrow: these are also called with `new`.
  return function (this: unknown, ...given: unknown[]) {
    return body.apply(this, given)
  }
}

function invokerMaker(words: string[], text: string) {
  const count = words.filter((word) => word.startsWith('argType')).length
  const ofObject = text.includes('var thisWired = ')
  const collects = text.includes('runDestructors(')
  const returns = text.includes('var rv = ')
  const destroyed = words.slice(6 + count).map((word) => word.replace(/_dtor$/, ''))
  return (
    complain: (message: string) => never,
    invoke: (...wired: unknown[]) => unknown,
    fn: unknown,
    runDestructors: (destructors: unknown[]) => void,
    returned: Wire,
    owner: Wire,
    ...rest: unknown[]
  ) =>
    function (this: unknown, ...given: unknown[]) {
      if (given.length !== count) complain(`called with ${given.length} arguments, expected ${count}`)
      const destructors = collects ? [] : null
      const wired = new Map<string, unknown>()
      if (ofObject) wired.set('thisWired', owner.toWireType(destructors, this))
      given.forEach((value, index) => wired.set(`arg${index}Wired`, (rest[index] as Wire).toWireType(destructors, value)))
      const result = invoke(fn, ...wired.values())
      if (destructors) runDestructors(destructors)
      else destroyed.forEach((word, index) => (rest[count + index] as (value: unknown) => void)(wired.get(word)))
      return returns ? returned.fromWireType(result) : undefined
    }
}

function methodCaller(returned: Wire, ...types: Wire[]) {
  return (handle: Record<string, (...values: unknown[]) => unknown>, name: string, destructors: unknown[], at: number) => {
    const values = types.map((type) => {
      const value = type.readValueFromPointer(at)
      at += type.argPackAdvance
      return value
    })
    const result = handle[name]?.(...values)
    types.forEach((type, index) => type.deleteObject?.(values[index]))
    return returned.isVoid ? undefined : returned.toWireType(destructors, result)
  }
}
