// @vitest-environment node
import { expect, it } from 'vitest'
import { chime, chimeSamples } from './chime'

it('the chime is heard, never clips, and begins and ends without a click', () => {
  const samples = chimeSamples()
  const loudest = Math.max(...samples.map(Math.abs))
  expect(loudest).toBeGreaterThan(0.2)
  expect(loudest).toBeLessThan(0.9)
  expect(Math.abs(samples[0]!)).toBeLessThan(0.01)
  expect(Math.abs(samples.at(-1)!)).toBeLessThan(0.06)
})

it('the chime is a WAV file that says how long it is', async () => {
  const bytes = new DataView(await chime().arrayBuffer())
  const text = (at: number) => String.fromCharCode(...new Uint8Array(bytes.buffer, at, 4))
  expect([text(0), text(8), text(36)]).toEqual(['RIFF', 'WAVE', 'data'])
  expect(bytes.getUint32(4, true)).toBe(bytes.byteLength - 8)
  expect(bytes.getUint32(40, true)).toBe(chimeSamples().length * 2)
  expect(bytes.getUint32(40, true) / bytes.getUint32(28, true)).toBeCloseTo(1.28, 2)
})
