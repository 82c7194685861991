// A sound to test a speaker with: three soft tones, rising. Made here, so that nothing has to be loaded.

const RATE = 24_000
const NOTES = [523.25, 659.26, 783.99] as const
const NOTE_S = 0.32

/** Samples in -1 to 1, at 24,000 a second. */
export function chimeSamples(): Float32Array {
  const samples = new Float32Array(Math.ceil(RATE * NOTE_S * (NOTES.length + 1)))
  NOTES.forEach((hz, note) => {
    const from = Math.floor(RATE * NOTE_S * note)
    for (let at = 0; from + at < samples.length; at++) {
      const seconds = at / RATE
      // A quick rise without a click, and the slow fall of a bell.
      samples[from + at]! += 0.35 * Math.min(1, seconds / 0.01) * Math.exp(-seconds * 6) * Math.sin(2 * Math.PI * hz * seconds)
    }
  })
  return samples
}

/** The chime as a WAV file: 16 bits, one channel. */
export function chime(): Blob {
  const samples = chimeSamples()
  const bytes = new DataView(new ArrayBuffer(44 + samples.length * 2))
  const text = (at: number, words: string) => [...words].forEach((letter, index) => bytes.setUint8(at + index, letter.charCodeAt(0)))
  text(0, 'RIFF')
  bytes.setUint32(4, bytes.byteLength - 8, true)
  text(8, 'WAVEfmt ')
  bytes.setUint32(16, 16, true)
  bytes.setUint16(20, 1, true)
  bytes.setUint16(22, 1, true)
  bytes.setUint32(24, RATE, true)
  bytes.setUint32(28, RATE * 2, true)
  bytes.setUint16(32, 2, true)
  bytes.setUint16(34, 16, true)
  text(36, 'data')
  bytes.setUint32(40, samples.length * 2, true)
  samples.forEach((sample, index) => bytes.setInt16(44 + index * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), true))
  return new Blob([bytes.buffer], { type: 'audio/wav' })
}
