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

test('20 MB arrive whole though the connection is lost in the middle and another takes its place', async () => {
  const [ada, bo] = await stage.call()
  await Promise.all([ada.openChat(), bo.openChat()])
  const content = randomBytes(20_000_000)
  await choose(ada, 'holiday.bin', content)
  await becomes(ada, 'holiday.bin', 'asked')
  const same = await Promise.all([ada, bo].map((visitor) => visitor.holdConnections()))

  // A third of it is there when the page finds out, so that no fast machine is through before the break.
  const at = await bo.page.evaluateHandle(() => {
    const { room } = window.callmesh!
    const noted: { stored: number; state: string }[] = []
    const end = room.subscribe(({ files: [file] }) => {
      if (!file || file.stored < 6_000_000) return
      end()
      noted.push({ stored: file.stored, state: file.state })
      // The link is begun anew, as when it can't be mended; it is no part of what the page offers.
      const { parts } = room as unknown as { parts: { roster: { all(): { link: { renew(): void } }[] } } }
      for (const { link } of parts.roster.all()) link.renew()
      const after = room.snapshot().files[0]
      if (after) noted.push({ stored: after.stored, state: after.state })
    })
    return noted
  })
  await file(bo, 'holiday.bin').getByTestId('file-accept').click()
  await Promise.all([becomes(ada, 'holiday.bin', 'done', 60_000), becomes(bo, 'holiday.bin', 'done', 60_000)])
  expect(await Promise.all(same.map((held) => held())), 'other connections took their place').toEqual([false, false])
  const [before, after] = await at.jsonValue()
  expect([before?.state, after?.state]).toEqual(['moving', 'waiting'])
  expect(before?.stored).toBeLessThan(content.length)
  const saved = await save(bo, 'holiday.bin')
  expect(saved.as).toBe('holiday.bin')
  expect(sha(saved.bytes)).toBe(sha(content))
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
})

test('files go both ways at once, are declined, and cancelled; a hostile name is tamed', async () => {
  const [ada, bo] = await stage.call()
  await Promise.all([ada.openChat(), bo.openChat()])
  const [hers, his] = [randomBytes(1_500_000), randomBytes(1_300_000)]

  await choose(ada, '..\\..\\evil\u202Egpj.exe', hers)
  await choose(bo, '报告.pdf', his, 'application/pdf')
  const tamed = 'evilgpj.exe'
  await Promise.all([becomes(bo, tamed, 'asked'), becomes(ada, '报告.pdf', 'asked')])
  expect(await file(ada, '报告.pdf').innerText()).toContain('application/pdf')
  await Promise.all([file(bo, tamed).getByTestId('file-accept').click(), file(ada, '报告.pdf').getByTestId('file-accept').click()])
  await Promise.all([ada, bo].flatMap((visitor) => [becomes(visitor, tamed, 'done'), becomes(visitor, '报告.pdf', 'done')]))
  const [taken, read] = await Promise.all([save(bo, tamed), save(ada, '报告.pdf')])
  expect([sha(taken.bytes), taken.as]).toEqual([sha(hers), tamed])
  expect([sha(read.bytes), read.as]).toEqual([sha(his), '报告.pdf'])

  await choose(ada, 'no.txt', Buffer.from('no'))
  await file(bo, 'no.txt').getByTestId('file-decline').click()
  await becomes(ada, 'no.txt', 'declined')
  await choose(ada, 'regret.txt', Buffer.from('regret'))
  await becomes(bo, 'regret.txt', 'asked')
  await file(ada, 'regret.txt').getByTestId('file-cancel').click()
  await becomes(bo, 'regret.txt', 'cancelled')
  expect(await file(bo, 'regret.txt').getByTestId('file-save').count()).toBe(0)
})

test('a picture is pasted, and a file dropped, into the chat', async () => {
  const [ada, bo] = await stage.call()
  await Promise.all([ada.openChat(), bo.openChat()])
  for (const [event, target, name] of [['paste', 'chat-input', 'pasted.png'], ['drop', 'chat-panel', 'dropped.txt']] as const) {
    await ada.find(target).evaluate((element, [event, name]) => {
      const data = new DataTransfer()
      data.items.add(new File([name], name))
      const made = event === 'paste' ? new ClipboardEvent(event, { clipboardData: data, bubbles: true }) : new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true })
      element.dispatchEvent(made)
    }, [event, name] as const)
    await file(bo, name).getByTestId('file-accept').click()
    await becomes(bo, name, 'done')
    expect((await save(bo, name)).bytes.toString()).toBe(name)
  }
})

test('links are links, hostile text stays text, and an emoji is found and sent', async () => {
  const [ada, bo] = await stage.call()
  await Promise.all([ada.openChat(), bo.openChat()])
  const text = '<img src=x onerror=alert(1)> javascript:alert(1) https://example.org/a?b=1.'
  await ada.say(text)
  await expect.poll(() => bo.reads()).toEqual([text])
  const links = await bo.find('chat-line').locator('a').evaluateAll((all) => all.map((a) => [a.getAttribute('href'), a.getAttribute('rel'), a.getAttribute('target')]))
  expect(links).toEqual([['https://example.org/a?b=1', 'noopener noreferrer nofollow', '_blank']])
  expect(await bo.find('chat-line').locator('img, script').count()).toBe(0)

  await ada.find('chat-input').fill('Well done ')
  await ada.find('chat-emoji').click()
  await ada.find('emoji-search').fill('加油')
  await ada.page.keyboard.press('ArrowDown')
  await ada.page.keyboard.press('Enter')
  await ada.find('chat-input').press('Enter')
  await expect.poll(() => bo.reads()).toEqual([text, 'Well done 💪'])
})

test('a reaction rises at the other, a raised hand is seen, and both are said', async () => {
  const [ada, bo] = await stage.call()
  const heard = await bo.page.evaluateHandle(() => {
    const said: string[] = []
    const live = document.querySelector('[data-testid="live"]')!
    new MutationObserver(() => said.push(live.textContent ?? '')).observe(live, { childList: true, characterData: true, subtree: true })
    return said
  })
  await ada.page.keyboard.press('e')
  // It is there for a moment only, so it is awaited from before.
  await Promise.all([bo.page.locator('[data-testid="reaction"][data-reaction="heart"]').getByText('Ada').waitFor(), ada.find('react-heart').click()])
  await bo.find('reaction').waitFor({ state: 'detached' })

  await ada.page.keyboard.press('Escape')
  await ada.page.keyboard.press('h')
  await bo.tile('Ada').locator('[data-mark="hand"]').waitFor()
  await expect.poll(() => bo.notice('hands').innerText()).toContain('Ada')
  await ada.page.keyboard.press('h')
  await bo.tile('Ada').locator('[data-mark="hand"]').waitFor({ state: 'detached' })
  await expect.poll(() => heard.evaluate((said) => said.join(' | '))).toMatch(/Ada: Heart.*Ada raised a hand.*Ada lowered the hand/)
})

test('safety codes are equal on both sides, and others between others', async () => {
  const [ada, bo] = await stage.call()
  const lin = await stage.visit('b', 'Lin')
  await lin.enter(new URL(ada.page.url()).pathname.slice('/r/'.length))
  await Promise.all([lin.sees('Ada'), ada.sees('Lin')])

  async function code(visitor: Visitor, of: string): Promise<string> {
    await visitor.tile(of).hover()
    await visitor.tile(of).getByTestId('tile-menu').click()
    await visitor.find('safety').click()
    // It is made slowly, on purpose.
    const list = visitor.find('safety-code').locator('li')
    await list.nth(5).waitFor({ timeout: 60_000 })
    const symbols = await list.allInnerTexts()
    await visitor.page.keyboard.press('Escape')
    await visitor.find('safety-dialog').waitFor({ state: 'detached' })
    return symbols.join(' ')
  }
  const [toBo, toAda, toLin, fromLin] = [await code(ada, 'Bo'), await code(bo, 'Ada'), await code(ada, 'Lin'), await code(lin, 'Ada')]
  expect(toBo).toMatch(/^(?:\S+\s+[a-z ]+\s*){6}$/)
  expect(toAda).toBe(toBo)
  expect(fromLin).toBe(toLin)
  expect(toLin).not.toBe(toBo)
})

test('the sound of a shared screen is heard, apart from the voice', async () => {
  const [ada, bo] = await stage.call()
  // The screen of a headless browser may be silent: a tone takes its place, given as the browser gives a screen's sound.
  await ada.page.evaluate(() => {
    const open = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices)
    navigator.mediaDevices.getDisplayMedia = async (options) => {
      const { video = true } = options ?? {}
      const stream = await open({ video })
      if (!options?.audio) return stream
      const context = new AudioContext()
      const tone = new OscillatorNode(context, { frequency: 440 })
      const sound = context.createMediaStreamDestination()
      tone.connect(sound)
      tone.start()
      return new MediaStream([...stream.getVideoTracks(), ...sound.stream.getAudioTracks()])
    }
  })
  await ada.find('screen').click()
  await bo.find('screen-video').waitFor()
  await bo.find('screen-audio').waitFor({ state: 'attached' })
  const energy = () => bo.stats('Ada').then(({ screenEnergy }) => screenEnergy)
  const start = await energy()
  // A second of a tone at full scale has an energy of 0.5.
  await expect.poll(energy, { timeout: 20_000 }).toBeGreaterThan(start + 0.3)
  await ada.find('screen').click()
  await bo.find('screen-audio').waitFor({ state: 'detached' })
  await Promise.all([ada.sees('Bo'), bo.hears('Ada')])
})
