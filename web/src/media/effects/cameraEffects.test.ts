import { expect, it } from 'vitest'
import { CameraEffects } from './cameraEffects'
import type { EngineNews } from './engine'
import { NO_EFFECTS } from './settings'

const track = (id: string) => ({ id }) as MediaStreamTrack
const settle = () => new Promise((resolve) => setTimeout(resolve))

function staged() {
  let tell: (news: EngineNews) => void = () => {}
  const worked = track('worked')
  const engine = { set() {}, attach: () => worked, rest() {}, close() {} }
  const effects = new CameraEffects({
    changed() {},
    load: async () => (news) => {
      tell = news
      return engine
    },
  })
  return { effects, worked, tell: (news: EngineNews) => tell(news) }
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
