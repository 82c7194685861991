import type { Visitor } from './visitor'

/** A window in which the microphone is a tone. */
type Voiced = Window & { testVoice?: GainNode }

/** Gives a visitor, before the page is opened, a microphone that is silent until the returned function makes it speak: from 0 to 1. */
export async function giveVoice({ page, watch }: Visitor): Promise<(loudness: number) => Promise<void>> {
  // With a real microphone the browser lets sound be measured at once.
  watch.allow(/The AudioContext was not allowed to start/)
  await page.addInitScript(() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      if (!constraints?.audio) return ask(constraints)
      const context = new AudioContext()
      const tone = new OscillatorNode(context, { frequency: 330 })
      const gain = new GainNode(context, { gain: 0 })
      const out = context.createMediaStreamDestination()
      tone.connect(gain).connect(out)
      tone.start()
      ;(window as Voiced).testVoice = gain
      // A context that is made before the first click sleeps.
      document.addEventListener('click', () => void context.resume(), { capture: true })
      return out.stream
    }
  })
  return (loudness) =>
    page.evaluate((gain) => {
      ;(window as Voiced).testVoice!.gain.value = gain
    }, loudness)
}

/** How loud an element of the page plays, as the root mean square of what it plays now; null while it plays nothing. */
export function playedLevel({ page }: Visitor, testId: string): Promise<number | null> {
  return page.getByTestId(testId).evaluate(async (element: HTMLAudioElement & { captureStream?: () => MediaStream; heard?: AnalyserNode }) => {
    if (element.paused) return null
    if (!element.heard) {
      const context = new AudioContext()
      element.heard = new AnalyserNode(context, { fftSize: 4096 })
      context.createMediaStreamSource(element.captureStream!()).connect(element.heard)
    }
    const samples = new Float32Array(element.heard.fftSize)
    element.heard.getFloatTimeDomainData(samples)
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)
  })
}
