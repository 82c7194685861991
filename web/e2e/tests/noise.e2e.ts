import { expect, test } from 'vitest'
import { giveNoisyVoice } from '../harness/noisyVoice'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

/** What is heard while nothing is, so that silence has a level, in dB of full scale. */
const FLOOR = -100
const ROOM = { voice: 0, noise: 0.02 }
const SPEECH = { voice: 0.5, noise: 0.02 }

/** How much quieter a voice may get: its energy is told by its peaks, to which the noise adds, and on a busy machine sound has gaps. */
const KEPT = 10
/** How much quieter the room must get, at least. */
const REDUCED = 25

/** How loud what a visitor decodes of Ada's sound is over two seconds from now, which all vowels take, in dB of full scale. */
async function loudness(visitor: Visitor): Promise<number> {
  const from = await visitor.stats('Ada')
  let now = from
  await expect.poll(async () => (now = await visitor.stats('Ada')).audioSeconds - from.audioSeconds, { message: 'seconds of sound' }).toBeGreaterThan(2)
  return Math.max(FLOOR, 10 * Math.log10((now.audioEnergy - from.audioEnergy) / (now.audioSeconds - from.audioSeconds)))
}

async function chooseNoise(visitor: Visitor, way: 'off' | 'browser' | 'rnnoise'): Promise<void> {
  await visitor.find('more').click()
  await visitor.find('settings').click()
  await visitor.find('sound-noise').selectOption(way)
  await visitor.find('dialog-close').click()
}

test('strong reduction takes the noise of a room out of what the other hears, keeps the voice, and gives the room back when it is off', { timeout: 240_000 }, async () => {
  const room = stage.room()
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  const pickUp = await giveNoisyVoice(ada)
  await Promise.all([ada.enter(room), bo.enter(room)])
  await bo.sees('Ada')
  const heard = (message: string) => expect.poll(() => loudness(bo), { timeout: 60_000, message: `dB of ${message}` })

  await chooseNoise(ada, 'off')
  await pickUp(ROOM)
  await heard('the room, as it is').toBeGreaterThan(-45)
  const bare = await loudness(bo)
  await pickUp(SPEECH)
  await heard('the voice in the room').toBeGreaterThan(bare + 8)
  const spoken = await loudness(bo)

  await chooseNoise(ada, 'rnnoise')
  // From its first words on, the network knows what is noise.
  await heard('the voice, with the noise reduced').toBeGreaterThan(spoken - KEPT)
  await pickUp(ROOM)
  await heard('the room, with its noise reduced').toBeLessThan(bare - REDUCED)
  await pickUp(SPEECH)
  await heard('the voice after a pause').toBeGreaterThan(spoken - KEPT)
  await pickUp(ROOM)
  await heard('the room after the voice').toBeLessThan(bare - REDUCED)

  await chooseNoise(ada, 'off')
  await heard('the room, as it is again').toBeGreaterThan(bare - 6)
})
