import { expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

const LANGUAGES = [
  { locale: 'en-GB', tag: 'en', name: 'Ada' },
  { locale: 'zh-CN', tag: 'zh-CN', name: '王小明' },
] as const

function onlyAskedItsEdge({ watch, edge }: Visitor): void {
  expect([...watch.origins]).toEqual([edge.origin])
}

test('start and lobby, in the language of the browser', async () => {
  for (const { locale, tag, name } of LANGUAGES) {
    const visitor = await stage.visit('a', name, { locale })
    await visitor.open('/')
    await visitor.find('new-room').waitFor()
    expect(await visitor.page.locator('html').getAttribute('lang')).toBe(tag)
    if (tag === 'en') await expectGoodState(visitor, 'start', { whole: true })

    await visitor.open('/r/tea-at-five')
    await visitor.find('preview').waitFor()
    await visitor.find('name').fill(name)
    if (tag === 'en') await expectGoodState(visitor, 'lobby', { whole: true })
    onlyAskedItsEdge(visitor)
  }
})

test('an edge of another version, without the files that the page names, is asked again until one has them', async () => {
  const visitor = await stage.visit('a', 'Ada')
  visitor.watch.allow(/404/, /none\.js/)
  let missing = 2
  await visitor.page.route('**/assets/index-*.js', (route) => (missing-- > 0 ? route.fulfill({ status: 404 }) : route.continue()))
  await visitor.page.goto(visitor.edge.origin)
  await visitor.find('new-room').waitFor()
  expect(missing).toBe(-1)
  expect(await visitor.page.evaluate(() => sessionStorage.getItem('callmesh-lacks'))).toBeNull()

  // What is wanted only later is no reason to load the page again: nothing is noted.
  await visitor.page.evaluate(() => new Promise((lacks) => document.head.append(Object.assign(document.createElement('script'), { src: '/assets/none.js', onerror: lacks }))))
  expect(await visitor.page.evaluate(() => sessionStorage.getItem('callmesh-lacks'))).toBeNull()
})

test('where guests are not let in, it is said at once', async () => {
  const visitor = await stage.visit('a', 'Ada')
  await visitor.page.route('**/v1/config', (route) => route.fulfill({ json: { guests: false, region: 'test', version: '0' } }))
  await visitor.open('/')
  await visitor.page.locator('[data-problem="guests"]').waitFor()
  await expectGoodState(visitor, 'start-no-guests', { whole: true })

  // By a link, too, and before the camera is on.
  await visitor.open('/r/tea-at-five')
  await visitor.page.getByRole('alert').waitFor()
  expect(await visitor.find('join').count()).toBe(0)
  await expectGoodState(visitor, 'room-no-guests')
})

test('a call between the languages, its chat and its end', async () => {
  const room = stage.room()
  const [ada, wang] = (await Promise.all(
    LANGUAGES.map(({ locale, name }, at) => stage.visit(at ? 'b' : 'a', name, { locale })),
  )) as [Visitor, Visitor]
  await Promise.all([ada.enter(room), wang.enter(room)])
  await Promise.all([ada.sees(wang.name), wang.sees(ada.name)])
  for (const visitor of [ada, wang]) await visitor.find('badge').waitFor()

  await Promise.all([ada.openChat(), wang.openChat()])
  await ada.say('Good morning! Can you hear me?')
  await wang.say('听得很清楚。')
  for (const [visitor, off] of [[ada, 'Off, the browser will choose'], [wang, '已关闭，打开时由浏览器选择']] as const) {
    await expect.poll(() => visitor.reads()).toHaveLength(2)
    await visitor.find('camera').click()
    await visitor.find('more').click()
    await visitor.find('settings').click()
    await visitor.page.getByRole('dialog').waitFor()
    await expect.poll(() => visitor.find('select-camera').locator('option:checked').innerText()).toBe(off)
    await visitor.page.keyboard.press('Escape')
  }

  await wang.leave()
  await wang.page.getByRole('link', { name: '回到首页' }).click()
  await wang.page.getByText(room).waitFor()
  await expectGoodState(wang, 'start-again', { whole: true })
  for (const visitor of [ada, wang]) onlyAskedItsEdge(visitor)
})

test('what these tests watch for is noticed', async () => {
  const { page, watch, ...visitor } = await stage.visit('a', 'Ada')
  await page.goto(`${visitor.edge.origin}/`)
  expect(watch.complaints()).toEqual([])

  await page.evaluate(() => fetch('https://elsewhere.invalid/').catch(() => undefined))
  await page.evaluate(() => void setTimeout(() => { throw new Error('thrown on purpose') }))
  const noticed = [/CSP violation: connect-src blocked https:\/\/elsewhere\.invalid/, /^error: .*Content Security Policy/s, /uncaught: .*thrown on purpose/]
  for (const pattern of noticed) await expect.poll(() => watch.complaints().join('\n')).toMatch(pattern)
  // Blocked before it was sent, so no request was seen, and that is all.
  watch.allow(...noticed, /^error: Refused to connect|^error: Connecting to|Fetch API cannot load/)
})
