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

/** Listens to an element of the page from now on; the returned function tells the loudest moment of what it has played, as a root mean square. */
export async function listenTo({ page }: Visitor, testId: string): Promise<() => Promise<number>> {
  const heard = await page.getByTestId(testId).evaluateHandle((element: HTMLAudioElement & { captureStream?: () => MediaStream }) => {
    const heard = { loudest: 0 }
    element.addEventListener('playing', () => {
      const context = new AudioContext()
      const analyser = new AnalyserNode(context, { fftSize: 2048 })
      context.createMediaStreamSource(element.captureStream!()).connect(analyser)
      const samples = new Float32Array(analyser.fftSize)
      setInterval(() => {
        analyser.getFloatTimeDomainData(samples)
        heard.loudest = Math.max(heard.loudest, Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length))
      }, 20)
    })
    return heard
  })
  return () => heard.evaluate(({ loudest }) => loudest)
}
