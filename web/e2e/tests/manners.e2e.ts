// What the page asks of the device that it runs on, and how it is used without a mouse.
import { expect, test } from 'vitest'
import { setHidden } from '../harness/hidden'
import { becomeContacts, becomeSomebody, callContact, callIs } from '../harness/person'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

/** Goes on with Tab until the focus is on what has this data-testid. */
async function tabTo({ page, name }: Visitor, testId: string): Promise<void> {
  for (let steps = 0; steps < 60; steps++) {
    if (await page.evaluate((id) => document.activeElement?.closest('[data-testid]')?.getAttribute('data-testid') === id, testId)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${name} does not reach ${testId} with Tab`)
}

test('a call from the start to its end with keys alone', async () => {
  const ada = await stage.visit('a', 'Ada')
  const { keyboard } = ada.page
  await ada.open('/')
  await ada.find('new-room').waitFor()
  await tabTo(ada, 'name')
  await keyboard.type('Ada')
  await tabTo(ada, 'new-room')
  await keyboard.press('Enter')
  await ada.find('preview').waitFor()
  await tabTo(ada, 'join')
  await keyboard.press('Enter')
  await ada.find('call').waitFor()

  // The bar is one stop, and the arrows walk in it.
  await tabTo(ada, 'microphone')
  await keyboard.press('Space')
  await expect.poll(() => ada.find('microphone').getAttribute('aria-pressed')).toBe('false')
  for (let steps = 0; steps < 3; steps++) await keyboard.press('ArrowRight')
  await keyboard.press('Enter')
  await ada.find('chat-input').waitFor()
  await keyboard.type('By keys alone')
  await keyboard.press('Enter')
  await expect.poll(() => ada.reads()).toEqual(['By keys alone'])
  await keyboard.press('Escape')
  await ada.find('chat-panel').waitFor({ state: 'detached' })
  await expect.poll(() => ada.page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('chat')
  await keyboard.press('End')
  await expect.poll(() => ada.page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('leave')
  await keyboard.press('Enter')
  await ada.find('again').waitFor()

  // A made room is called by words everywhere, and its link is what it was.
  const words = (await ada.page.locator('h1').innerText()).replace('You left ', '')
  expect(words).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/)
  expect(await ada.page.title()).toBe(`${words} · callmesh`)
  expect(new URL(ada.page.url()).pathname).toMatch(/^\/r\/m-[a-z2-7]{26}$/)
})

test('a phone held sideways shows everybody and every control; every control has a name; the screen stays on while somebody is there', async () => {
  const room = stage.room()
  const [ada, bo] = await Promise.all([
    stage.visit('a', 'Ada', { viewport: { width: 844, height: 390 }, reducedMotion: 'reduce' }),
    stage.visit('b', 'Bo', { locale: 'zh-CN' }),
  ])
  // Headless browsers refuse a lock. Like theirs, this one ends when the page is hidden.
  await ada.page.addInitScript(() => {
    const asked: string[] = []
    class Lock extends EventTarget {
      readonly type = 'screen'
      released = false
      release(): Promise<void> {
        if (!this.released) {
          this.released = true
          this.dispatchEvent(new Event('release'))
        }
        return Promise.resolve()
      }
    }
    const request = (kind: string) => {
      asked.push(kind)
      const lock = new Lock()
      document.addEventListener('visibilitychange', () => document.hidden && void lock.release(), { once: true })
      return Promise.resolve(lock)
    }
    Object.defineProperty(navigator, 'wakeLock', { value: { request, asked } })
  })
  await Promise.all([ada.enter(room), bo.enter(room)])
  await ada.sees('Bo')

  const asked = () => ada.page.evaluate(() => [...(navigator.wakeLock as unknown as { asked: string[] }).asked])
  await expect.poll(asked).toEqual(['screen'])
  await setHidden(ada.page, true)
  await setHidden(ada.page, false)
  await expect.poll(asked).toEqual(['screen', 'screen'])

  await ada.find('badge').waitFor()
  const outside = await ada.page.evaluate(() => {
    const shown = [...document.querySelectorAll('[role="toolbar"] button, [data-testid="tile"]')]
    return shown.flatMap((element) => {
      const { left, top, right, bottom, width, height } = element.getBoundingClientRect()
      const inside = left >= 0 && top >= 0 && right <= innerWidth + 0.5 && bottom <= innerHeight + 0.5 && width >= 40 && height >= 40
      return inside ? [] : [`${element.getAttribute('data-testid')} ${[left, top, right, bottom].join(' ')}`]
    })
  })
  expect(outside, 'what is not whole in 844 × 390').toEqual([])
  await expect.poll(() => ada.page.evaluate(() => document.getAnimations().length), { message: 'what moves for those who want nothing to' }).toBe(0)

  for (const { page } of [ada, bo]) {
    const buttons = await page.locator('[role="toolbar"]').ariaSnapshot()
    expect(buttons).not.toMatch(/- button(?! ")/)
  }
})

test('the browser\'s offer to install the page is taken by a click, once', async () => {
  const ada = await stage.visit('a', 'Ada')
  await ada.open('/')
  await ada.find('new-room').waitFor()
  const kept = await ada.page.evaluate(() => {
    const offer = Object.assign(new Event('beforeinstallprompt', { cancelable: true }), { prompt: () => Promise.resolve(void (document.documentElement.dataset.prompted = 'yes')) })
    return !dispatchEvent(offer)
  })
  expect(kept, 'the browser\'s own banner is held back').toBe(true)
  await ada.find('install').getByRole('button').click()
  await ada.page.locator('html[data-prompted="yes"]').waitFor()
  await ada.find('install').waitFor({ state: 'detached' })
})

test('a page that nobody looks at tells of a call through its service worker, where it is answered', async () => {
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', '王小明', { serviceWorkers: 'allow', locale: 'zh-CN' })])
  await bo.page.context().grantPermissions(['notifications'])
  // As on Android.
  await bo.page.addInitScript(() => {
    const Refused = Object.assign(function () { throw new TypeError('Illegal constructor') }, { permission: 'granted', requestPermission: () => Promise.resolve('granted') })
    Object.defineProperty(window, 'Notification', { value: Refused })
  })
  for (const visitor of [ada, bo]) await becomeSomebody(visitor)
  await bo.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await becomeContacts(ada, bo)

  const told = () => bo.page.evaluate(async () => {
    const all = await (await navigator.serviceWorker.ready).getNotifications()
    return all.map(({ title, actions }: Notification & { actions?: { title: string }[] }) => [title, ...(actions ?? []).map(({ title }) => title)].join(' | '))
  })
  const click = async (action: string) => {
    const worker = bo.page.context().serviceWorkers()[0]!
    await worker.evaluate(async (action) => {
      const scope = globalThis as unknown as { registration: ServiceWorkerRegistration; NotificationEvent: new (type: string, init: object) => Event }
      const [notification] = await scope.registration.getNotifications()
      dispatchEvent(new scope.NotificationEvent('notificationclick', { notification, action }))
    }, action)
  }

  await setHidden(bo.page, true)
  await callContact(ada, bo.name)
  await expect.poll(told, { timeout: 20_000 }).toEqual(['Ada 来电 | 语音接听 | 拒绝'])
  await click('decline')
  await callIs(ada, 'declined')
  await expect.poll(told).toEqual([])

  await ada.find('close-call').click()
  await callContact(ada, bo.name)
  await expect.poll(told, { timeout: 20_000 }).toHaveLength(1)
  await click('accept')
  await Promise.all([ada.find('call').waitFor(), bo.find('call').waitFor()])
  await Promise.all([ada.hears(bo.name), bo.hears('Ada')])
  await expect.poll(told).toEqual([])
})
