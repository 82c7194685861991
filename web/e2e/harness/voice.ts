import type { Visitor } from './visitor'

/** A window in which the microphone is a tone. */
type Voiced = Window & { testVoice?: GainNode & { track?: MediaStreamTrack; before?: string } }

/** In Hz: of the microphone that the browser chooses, and of any that the reader does. */
export const PITCH = { usual: 330, chosen: 880 }

/** Gives a visitor, before the page is opened, a microphone that is silent until the returned function makes it speak: from 0 to 1. */
export async function giveVoice({ page, watch }: Visitor): Promise<(loudness: number) => Promise<void>> {
  // With a real microphone the browser lets sound be measured at once.
  watch.allow(/The AudioContext was not allowed to start/)
  await page.addInitScript((pitch) => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      if (!constraints?.audio) return ask(constraints)
      const context = new AudioContext()
      const before = (window as Voiced).testVoice
      const chosen = typeof constraints.audio === 'object' && constraints.audio.deviceId !== undefined
      const tone = new OscillatorNode(context, { frequency: chosen ? pitch.chosen : pitch.usual })
      // Somebody speaks into whatever microphone there is.
      const gain: Voiced['testVoice'] = new GainNode(context, { gain: before?.gain.value ?? 0 })
      const out = context.createMediaStreamDestination()
      tone.connect(gain).connect(out)
      tone.start()
      gain.track = out.stream.getTracks()[0]
      gain.before = before?.track?.readyState
      ;(window as Voiced).testVoice = gain
      // A context that is made before the first click sleeps.
      document.addEventListener('click', () => void context.resume(), { capture: true })
      return out.stream
    }
  }, PITCH)
  return (loudness) =>
    page.evaluate((gain) => {
      ;(window as Voiced).testVoice!.gain.value = gain
    }, loudness)
}

/** How it was with the microphone before this one, when this one was asked for. */
export function microphoneBefore({ page }: Visitor): Promise<string | undefined> {
  return page.evaluate(() => (window as Voiced).testVoice?.before)
}

/** Listens to the others from now on; the returned function tells the pitch of the loudest that is heard, in Hz; 0 for silence. */
export async function pitchOf({ page }: Visitor): Promise<() => Promise<number>> {
  const analyser = await page.getByTestId('remote-audio').evaluateHandle((element: HTMLAudioElement) => {
    const context = new AudioContext()
    const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 })
    context.createMediaStreamSource(element.srcObject as MediaStream).connect(analyser)
    return analyser
  })
  return () =>
    analyser.evaluate((analyser) => {
      const levels = new Float32Array(analyser.frequencyBinCount)
      analyser.getFloatFrequencyData(levels)
      const loudest = levels.indexOf(Math.max(...levels))
      return levels[loudest]! > -60 ? (loudest * analyser.context.sampleRate) / analyser.fftSize : 0
    })
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
