import type { Compositor } from './compositor'
import { canEncode, EncodingEngine } from './encodingEngine'
import { CHANNELS } from './encodingMessages'
import { AUDIO_BITS_PER_SECOND, VIDEO_BITS_PER_SECOND } from './formats'
import type { Size } from './layout'
import { MediaClock } from './mediaClock'
import type { VoiceMixer } from './mixer'
import { Recorder } from './recorder'
import tapUrl from './soundTap.worklet.ts?worker&url'

/** A context that does not run by then has no clock to record by, ms. */
const RUNNING_MS = 2_000

/** Records pictures and voices by the voices' clock, so that they can't come apart. Null where the browser can't. */
export async function encodedFrom(
  mixer: VoiceMixer,
  compositor: Compositor | null,
  size: Size,
  place: { folder: string; name: string },
  changed: () => void,
): Promise<Recorder | null> {
  const { context } = mixer
  if (!canEncode() || !(await running(context))) return null
  const port = await tap(mixer).catch(() => null)
  if (!port) return null
  const clock = new MediaClock(context)
  const now = () => clock.now()
  const { sampleRate } = context
  const picture = compositor && { ...size, frameRate: compositor.rate, bitsPerSecond: VIDEO_BITS_PER_SECOND }
  const plan = { ...place, picture, sound: { sampleRate, bitsPerSecond: AUDIO_BITS_PER_SECOND }, start: Math.round(now() * sampleRate) }
  const engine = await EncodingEngine.start(plan, port, now)
  if (!engine) return null
  const recorder = new Recorder({ start: (events) => engine.attend(events), changed, now: () => 1000 * now() })
  let last = -Infinity
  compositor?.giveTo({
    // While the sound stands still, so do the pictures.
    get room() {
      return engine.room && now() > last
    },
    take(canvas) {
      last = now()
      engine.take(new VideoFrame(canvas, { timestamp: Math.round(last * 1e6), alpha: 'discard' }))
    },
  })
  return recorder
}

async function running(context: AudioContext): Promise<boolean> {
  await Promise.race([context.resume().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, RUNNING_MS))])
  return context.state === 'running'
}

/** The far end of a port through which the mix comes from now on. */
async function tap({ context, output }: VoiceMixer): Promise<MessagePort> {
  await context.audioWorklet.addModule(tapUrl)
  const node = new AudioWorkletNode(context, 'sound-tap', { channelCount: CHANNELS, channelCountMode: 'explicit', outputChannelCount: [CHANNELS] })
  const { port1, port2 } = new MessageChannel()
  node.port.postMessage(port1, [port1])
  // It gives out silence, and runs because somebody would hear that.
  output.connect(node).connect(context.destination)
  return port2
}
