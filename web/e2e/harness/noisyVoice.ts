import type { Visitor } from './visitor'

/** What a microphone picks up: each from 0 to 1. */
export interface Loudness {
  voice: number
  noise: number
}

/** A window in which the microphone is somebody who speaks in a noisy room. */
type Noisy = Window & { testRoom?: Record<keyof Loudness, GainNode> }

/** Gives a visitor, before the page is opened, a microphone that is silent until the returned function says what it picks up. */
export async function giveNoisyVoice({ page, watch }: Visitor): Promise<(loudness: Loudness) => Promise<void>> {
  // With a real microphone the browser lets sound be measured at once.
  watch.allow(/The AudioContext was not allowed to start/)
  await page.addInitScript(() => {
    const RATE = 48_000
    // A period of which nothing is heard to repeat within what a network that looks for speech remembers.
    const LENGTH = 4 * RATE

    /** The same noise each time: as much of each frequency, as a fan has nearly. */
    function noise(): Float32Array {
      let state = 1
      return Float32Array.from({ length: LENGTH }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
        return state / 2 ** 31
      })
    }

    /** Vowels, four a second, of a voice that rises and falls: pulses, of which the mouth lets three bands of frequencies through. */
    function vowels(): Float32Array {
      const mouths = [[730, 1090, 2440], [270, 2290, 3010], [570, 840, 2410], [530, 1840, 2480]] as const
      const samples = new Float32Array(LENGTH)
      let phase = 0
      const bands = [0, 1, 2].map(() => ({ last: 0, beforeLast: 0 }))
      for (let at = 0; at < LENGTH; at++) {
        const seconds = at / RATE
        const pitch = 125 + 20 * Math.sin(2 * Math.PI * 0.5 * seconds) + 2 * Math.sin(2 * Math.PI * 5 * seconds)
        phase += pitch / RATE
        const pulse = phase >= 1 ? 1 : 0
        phase %= 1
        const mouth = mouths[Math.floor(seconds * 4) % mouths.length]!
        const open = Math.min(1, 1.6 * Math.max(0, Math.sin(Math.PI * ((seconds * 4) % 1))))
        bands.forEach((band, index) => {
          const width = Math.exp((-Math.PI * [80, 100, 140][index]!) / RATE)
          const now = pulse + 2 * width * Math.cos((2 * Math.PI * mouth[index]!) / RATE) * band.last - width * width * band.beforeLast
          band.beforeLast = band.last
          band.last = now
          samples[at]! += (now * open) / (index + 1)
        })
      }
      const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
      return samples.map((sample) => sample / loudest)
    }

    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      if (!constraints?.audio) return ask(constraints)
      const context = new AudioContext({ sampleRate: RATE })
      const out = context.createMediaStreamDestination()
      const before = (window as Noisy).testRoom
      const part = (samples: Float32Array, loudness = 0) => {
        const buffer = new AudioBuffer({ length: LENGTH, sampleRate: RATE })
        buffer.getChannelData(0).set(samples)
        const source = new AudioBufferSourceNode(context, { buffer, loop: true })
        const gain = new GainNode(context, { gain: loudness })
        source.connect(gain).connect(out)
        source.start()
        return gain
      }
      // A microphone that is opened anew is in the same room.
      ;(window as Noisy).testRoom = { voice: part(vowels(), before?.voice.gain.value), noise: part(noise(), before?.noise.gain.value) }
      // A context that is made before the first click sleeps.
      document.addEventListener('click', () => void context.resume(), { capture: true })
      return out.stream
    }
  })
  return (loudness) =>
    page.evaluate(({ voice, noise }) => {
      const room = (window as Noisy).testRoom!
      room.voice.gain.value = voice
      room.noise.gain.value = noise
    }, loudness)
}
