// Takes the README's picture: a call of two drawn people. `npm run picture`, whenever the page looks different.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { expect, test } from 'vitest'
import { TestBrowser } from '../harness/browser'
import { useStage } from '../harness/stage'
import { writeY4M } from '../harness/y4m'
import { film, filmOptions, type Who } from './film'

const PICTURE = fileURLToPath(new URL('../../../.github/call.png', import.meta.url))
const CAMERA = { width: 1280, height: 720 }

const stage = useStage()

async function shoot(studio: TestBrowser, who: Who, path: string): Promise<void> {
  const page = await studio.chromium.newPage()
  const frames = await page.evaluate(film, filmOptions(who, CAMERA, 24))
  await page.close()
  await writeY4M(path, CAMERA, 8, frames.map((frame) => Buffer.from(frame, 'base64')))
}

test('a call, for the README', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'callmesh-picture-'))
  try {
    const studio = await stage.browser({})
    const cameras = { gardener: join(dir, 'gardener.y4m'), reader: join(dir, 'reader.y4m') }
    await shoot(studio, 'gardener', cameras.gardener)
    await shoot(studio, 'reader', cameras.reader)

    const room = 'tea-at-five'
    const viewport = { width: 1440, height: 810 }
    const lin = await stage.visit('a', 'Lin', { viewport }, await stage.browser({ camera: cameras.reader }))
    const maya = await stage.visit('b', 'Maya', {}, await stage.browser({ camera: cameras.gardener }))
    await Promise.all([lin.enter(room), maya.enter(room)])
    await Promise.all([lin.openChat(), maya.openChat()])
    const lines = [
      [maya, 'Can you see the tomatoes from there?'],
      [lin, 'I can. They have doubled since Sunday!'],
      [maya, 'I will bring you some on Friday.'],
      [lin, 'Perfect, I have found that recipe.'],
    ] as const
    for (const [n, [who, text]] of lines.entries()) {
      await who.say(text)
      await expect.poll(() => lin.reads()).toHaveLength(n + 1)
    }
    // The first seconds of a call are blurred, until both sides know what the path can carry.
    await expect.poll(() => lin.stats('Maya').then(({ cameraWidth }) => cameraWidth), { timeout: 60_000 }).toBe(CAMERA.width)
    await lin.sees('Maya', 120)
    await lin.find('badge').waitFor()
    await lin.find('chat-input').blur()
    await lin.page.screenshot({ path: PICTURE })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
