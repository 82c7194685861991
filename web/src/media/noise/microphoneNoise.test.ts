import { expect, it, vi } from 'vitest'
import { MicrophoneNoise, type Suppressor } from './microphoneNoise'

const track = (id: string) => ({ id }) as MediaStreamTrack
const settle = () => new Promise((resolve) => setTimeout(resolve))

/** A suppressor that runs when the test says so. */
function made(raw: MediaStreamTrack, changed: () => void) {
  let running = false
  const suppressor: Suppressor = {
    output: track(`quiet ${raw.id}`),
    get running() {
      return running
    },
    close: vi.fn(),
  }
  return {
    suppressor,
    run(now: boolean) {
      running = now
      changed()
    },
  }
}

it('lets the microphone itself be heard until the suppressor runs, whenever it does not, and while another takes over', async () => {
  const all: ReturnType<typeof made>[] = []
  const noise = new MicrophoneNoise({
    changed() {},
    start: async (raw, changed) => {
      all.push(made(raw, changed))
      return all.at(-1)!.suppressor
    },
  })
  const one = track('one')
  noise.attach(one)
  expect([noise.output, noise.state]).toEqual([one, 'off'])
  noise.set(true)
  await settle()
  expect([noise.output, noise.state]).toEqual([one, 'starting'])
  all[0]!.run(true)
  expect([noise.output?.id, noise.state]).toEqual(['quiet one', 'on'])
  all[0]!.run(false)
  expect(noise.output).toBe(one)

  noise.attach(track('two'))
  expect(all[0]!.suppressor.close).toHaveBeenCalled()
  expect(noise.output?.id).toBe('two')
  await settle()
  all[1]!.run(true)
  expect(noise.output?.id).toBe('quiet two')
  noise.set(false)
  expect(all[1]!.suppressor.close).toHaveBeenCalled()
  expect([noise.output?.id, noise.state]).toEqual(['two', 'off'])
})

it('says when it does not start, or not in time, and can be tried again', async () => {
  let answer: (how: Promise<Suppressor>) => void = () => {}
  const noise = new MicrophoneNoise({ changed() {}, startMs: 20, start: () => new Promise((resolve) => (answer = resolve)) })
  const one = track('one')
  noise.attach(one)
  noise.set(true)
  answer(Promise.reject(new Error('no worklet')))
  await vi.waitFor(() => expect(noise.state).toBe('failed'))
  expect(noise.output).toBe(one)

  noise.set(true)
  expect(noise.state).toBe('starting')
  await vi.waitFor(() => expect(noise.state).toBe('failed'))
  const late = made(one, () => undefined)
  late.run(true)
  answer(Promise.resolve(late.suppressor))
  await vi.waitFor(() => expect(late.suppressor.close).toHaveBeenCalled())
  expect([noise.output, noise.state]).toEqual([one, 'failed'])
})
