import { loadRnnoise, RnnoiseWorkletNode } from '@sapphi-red/web-noise-suppressor'
import workletUrl from '@sapphi-red/web-noise-suppressor/rnnoiseWorklet.js?url&no-inline'
import wasmUrl from '@sapphi-red/web-noise-suppressor/rnnoise.wasm?url&no-inline'
import simdUrl from '@sapphi-red/web-noise-suppressor/rnnoise_simd.wasm?url&no-inline'
import type { Suppressor } from './microphoneNoise'

/** The network was trained at this rate, in hertz. */
const SAMPLE_RATE = 48_000

/** Puts RNNoise behind a microphone. Throws where the browser can't. */
export async function suppress(raw: MediaStreamTrack, changed: () => void): Promise<Suppressor> {
  const context = new AudioContext({ sampleRate: SAMPLE_RATE, latencyHint: 'interactive' })
  try {
    const [wasmBinary] = await Promise.all([loadRnnoise({ url: wasmUrl, simdUrl }), context.audioWorklet.addModule(workletUrl)])
    const source = context.createMediaStreamSource(new MediaStream([raw]))
    const quiet = new RnnoiseWorkletNode(context, { maxChannels: 1, wasmBinary })
    const destination = context.createMediaStreamDestination()
    destination.channelCount = 1
    source.connect(quiet).connect(destination)
    const output = destination.stream.getAudioTracks()[0]
    if (!output) throw new Error('the browser gives no track of the sound')
    // Browsers let it run only once the reader has touched the page.
    context.addEventListener('statechange', changed)
    void context.resume().catch(() => undefined)
    return {
      output,
      get running() {
        return context.state === 'running'
      },
      close() {
        context.removeEventListener('statechange', changed)
        quiet.destroy()
        source.disconnect()
        output.stop()
        void context.close().catch(() => undefined)
      },
    }
  } catch (thrown) {
    void context.close().catch(() => undefined)
    throw thrown
  }
}
