import { expect, it, vi } from 'vitest'
import { CameraEffects, type CameraEffectsOptions } from './cameraEffects'
import type { Engine, EngineNews } from './engine'
import { NO_EFFECTS } from './settings'

const track = (id: string) => ({ id }) as MediaStreamTrack
const settle = () => new Promise((resolve) => setTimeout(resolve))

function staged(more: Partial<CameraEffectsOptions> = {}) {
  let tell: (news: EngineNews) => void = () => {}
  const worked = track('worked')
  const engine = { set: vi.fn<Engine['set']>(), attach: vi.fn(() => worked), rest() {}, close: vi.fn() }
  const start = vi.fn((news: (news: EngineNews) => void) => {
    tell = news
    return engine
  })
  const effects = new CameraEffects({ changed() {}, load: async () => start, ...more })
  return { effects, worked, engine, start, tell: (news: EngineNews) => tell(news) }
}

it('shows the camera until the first worked frame, keeps its track when the camera changes, and gives the camera back', async () => {
  const { effects, worked, tell } = staged()
  const [one, two] = [track('one'), track('two')]
  effects.attach(one)
  expect(effects.output).toBe(one)
  effects.set({ ...NO_EFFECTS, filter: 'mono' })
  await settle()
  expect(effects.output).toBe(one)
  tell({ type: 'going' })
  expect(effects.output).toBe(worked)
  effects.attach(two)
  expect(effects.output).toBe(worked)
  effects.set(NO_EFFECTS)
  expect(effects.output).toBe(two)
})

it('shows nothing of a camera that is turned on under an effect before it works, and the camera when it is too slow', async () => {
  const { effects, tell } = staged()
  const one = track('one')
  effects.set({ ...NO_EFFECTS, background: 'blur' })
  effects.attach(one)
  await settle()
  expect(effects.output).toBeNull()
  tell({ type: 'going' })
  tell({ type: 'slow' })
  expect(effects.view().problem).toBe('slow')
  expect(effects.output).toBe(one)
})

it('shows the camera when a model fails, and starts everything anew when told to try again', async () => {
  const { effects, worked, engine, start, tell } = staged()
  const one = track('one')
  effects.attach(one)
  effects.set({ ...NO_EFFECTS, background: 'night' })
  await settle()
  tell({ type: 'going' })
  expect(effects.output).toBe(worked)
  tell({ type: 'failed', what: 'models', message: 'no answer' })
  expect(effects.view()).toMatchObject({ state: 'off', problem: 'models' })
  expect(effects.output).toBe(one)
  expect(engine.close).toHaveBeenCalledTimes(1)

  effects.retry()
  await settle()
  expect(start).toHaveBeenCalledTimes(2)
  expect(effects.view()).toMatchObject({ state: 'starting', problem: null })
  tell({ type: 'going' })
  expect(effects.output).toBe(worked)
})

it.each([
  ['does not come', () => Promise.reject(new TypeError('Failed to fetch'))],
  ['is on its way for too long', () => new Promise<never>(() => undefined)],
])('says that the code of the effects %s, and shows the camera', async (_, load) => {
  const { effects } = staged({ load, startMs: 20 })
  const one = track('one')
  effects.set({ ...NO_EFFECTS, filter: 'mono' })
  effects.attach(one)
  expect(effects.output).toBeNull()
  await vi.waitFor(() => expect(effects.view().problem).toBe('load'))
  expect(effects.output).toBe(one)
  effects.set(NO_EFFECTS)
  expect(effects.view().problem).toBeNull()
})

it('has no problem with what was taken off before it failed', async () => {
  let refuse: (why: Error) => void = () => {}
  const { effects } = staged({ load: () => new Promise((_, reject) => (refuse = reject)) })
  effects.attach(track('one'))
  effects.set({ ...NO_EFFECTS, filter: 'mono' })
  effects.set(NO_EFFECTS)
  refuse(new TypeError('Failed to fetch'))
  await settle()
  expect(effects.view().problem).toBeNull()
})

it('starts nothing for a page that has gone meanwhile', async () => {
  const { effects, start } = staged()
  effects.attach(track('one'))
  effects.set({ ...NO_EFFECTS, filter: 'mono' })
  effects.close()
  await settle()
  expect(start).not.toHaveBeenCalled()
})

it('takes the end of frames for no fault once the camera has been let go of', async () => {
  const { effects, worked, tell } = staged()
  effects.set({ ...NO_EFFECTS, filter: 'mono' })
  effects.attach(track('one'))
  await settle()
  tell({ type: 'going' })
  effects.attach(null)
  tell({ type: 'failed', what: 'frames', message: 'Stream closed' })
  expect(effects.view().problem).toBeNull()
  effects.attach(track('two'))
  tell({ type: 'going' })
  expect(effects.output).toBe(worked)
})

it('waits for a camera that the system has muted, and shows nothing of it meanwhile', async () => {
  const { effects } = staged({ startMs: 10 })
  const covered = { id: 'one', muted: true }
  effects.set({ ...NO_EFFECTS, background: 'blur' })
  effects.attach(covered as MediaStreamTrack)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(effects.view()).toMatchObject({ state: 'starting', problem: null })
  expect(effects.output).toBeNull()
  covered.muted = false
  await vi.waitFor(() => expect(effects.view().problem).toBe('frames'))
})

it('shows the camera when its frames can’t be read, also that of the camera chosen next', async () => {
  const { effects, engine, tell } = staged()
  effects.set({ ...NO_EFFECTS, filter: 'mono' })
  effects.attach(track('one'))
  await settle()
  tell({ type: 'going' })
  engine.attach.mockImplementationOnce(() => {
    throw new TypeError('Input track cannot be ended')
  })
  const two = track('two')
  effects.attach(two)
  expect(effects.view().problem).toBe('unsupported')
  expect(effects.output).toBe(two)
})

it('gives the reader’s picture to each engine, keeps its own, and closes that at the end', async () => {
  const picture = { width: 1, height: 1, close: vi.fn<() => void>() }
  const { effects, engine } = staged()
  effects.setPicture(picture)
  const settings = { ...NO_EFFECTS, background: 'picture' as const }
  effects.attach(track('one'))
  for (const times of [1, 2]) {
    effects.set(settings)
    await settle()
    expect(engine.set.mock.calls.filter(([, given]) => given === picture)).toHaveLength(times)
    effects.set(NO_EFFECTS)
  }
  expect(picture.close).not.toHaveBeenCalled()
  effects.close()
  expect(picture.close).toHaveBeenCalledTimes(1)
})
