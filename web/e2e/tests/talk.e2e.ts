import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function choose(visitor: Visitor, name: string, buffer: Buffer, mimeType = 'application/octet-stream'): Promise<void> {
  await visitor.find('chat-files').setInputFiles({ name, mimeType, buffer })
}

function file(visitor: Visitor, name: string) {
  return visitor.page.locator(`[data-testid="file"][data-file="${name}"]`)
}

async function becomes(visitor: Visitor, name: string, state: string, timeout = 30_000): Promise<void> {
  await expect.poll(() => file(visitor, name).getAttribute('data-state'), { timeout, message: `${name} at ${visitor.name}` }).toBe(state)
}

/** Saves a file as a reader does, and returns what is then on the disk. */
async function save(visitor: Visitor, name: string): Promise<{ bytes: Buffer; as: string }> {
  const [download] = await Promise.all([visitor.page.waitForEvent('download'), file(visitor, name).getByTestId('file-save').click()])
  return { bytes: await readFile(await download.path()), as: download.suggestedFilename() }
}

/** How much of a file is stored at its receiver, in bytes. */
function stored(visitor: Visitor, name: string): Promise<number> {
  return visitor.page.evaluate((name) => window.callmesh!.room.files.snapshot().find((one) => one.name === name)?.stored ?? -1, name)
}

test('20 MB arrive whole though the connection is lost in the middle and another takes its place', async () => {
  const [ada, bo] = await stage.call()
  await Promise.all([ada.openChat(), bo.openChat()])
  const content = randomBytes(20_000_000)
  await choose(ada, 'holiday.bin', content)
  await becomes(ada, 'holiday.bin', 'asked')
  const same = await Promise.all([ada, bo].map((visitor) => visitor.holdConnections()))

  // At a third, as seen by the page itself, so that no fast machine is through before the break.
  await bo.page.evaluate(() => {
    const { room } = window.callmesh!
    const end = room.subscribe(({ files }) => {
      if ((files[0]?.stored ?? 0) < 6_000_000) return
      end()
      for (const connection of window.callmesh!.peerConnections().values()) connection.close()
    })
  })
  await file(bo, 'holiday.bin').getByTestId('file-accept').click()
  await becomes(ada, 'holiday.bin', 'waiting')
  const before = await stored(bo, 'holiday.bin')
  expect(before).toBeGreaterThanOrEqual(6_000_000)
  expect(before).toBeLessThan(content.length)

  await Promise.all([becomes(ada, 'holiday.bin', 'done', 60_000), becomes(bo, 'holiday.bin', 'done', 60_000)])
  expect(await Promise.all(same.map((held) => held())), 'other connections took their place').toEqual([false, false])
  const saved = await save(bo, 'holiday.bin')
  expect(saved.as).toBe('holiday.bin')
  expect(sha(saved.bytes)).toBe(sha(content))
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
})
