import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { askForNotifications, notificationState, showRing } from './ringNotification'

const shown: FakeNotification[] = []

class FakeNotification {
  static permission: NotificationPermission = 'default'
  static requestPermission = vi.fn(async () => (FakeNotification.permission = 'granted'))
  closed = false
  onclick: (() => void) | null = null
  readonly title: string
  readonly options: NotificationOptions

  constructor(title: string, options: NotificationOptions) {
    this.title = title
    this.options = options
    shown.push(this)
  }

  close(): void {
    this.closed = true
  }
}

beforeEach(() => {
  shown.length = 0
  FakeNotification.permission = 'default'
  vi.stubGlobal('Notification', FakeNotification)
})
afterEach(() => vi.unstubAllGlobals())

const WORDS = { title: 'Bo is calling', body: 'x', accept: 'Voice only', decline: 'Decline' }
const ANSWERS = { accept: vi.fn(), decline: vi.fn() }
const hide = (hidden: boolean) => vi.spyOn(document, 'hidden', 'get').mockReturnValue(hidden)

describe('a call while the page is hidden', () => {
  it('is told if the reader allowed it, once for all tabs, and taken back when it rings no more', async () => {
    hide(true)
    showRing('c1', WORDS, ANSWERS)
    expect(shown).toEqual([])
    expect(notificationState.value).toBe('ask')
    await askForNotifications()
    expect(notificationState.value).toBe('granted')
    const end = showRing('c1', WORDS, ANSWERS)
    await vi.waitFor(() => expect(shown).toHaveLength(1))
    expect(shown).toMatchObject([{ title: 'Bo is calling', options: { tag: 'c1' } }])
    end()
    expect(shown[0]!.closed).toBe(true)
  })

  it('brings the page back when it is clicked', async () => {
    hide(true)
    FakeNotification.permission = 'granted'
    const focus = vi.spyOn(window, 'focus').mockImplementation(() => undefined)
    showRing('c1', WORDS, ANSWERS)
    await vi.waitFor(() => expect(shown).toHaveLength(1))
    shown[0]!.onclick?.()
    expect(focus).toHaveBeenCalled()
  })

  it('is not told over a page that is seen, nor where browsers refuse', () => {
    FakeNotification.permission = 'granted'
    hide(false)
    showRing('c1', WORDS, ANSWERS)
    expect(shown).toEqual([])
    hide(true)
    vi.stubGlobal('Notification', Object.assign(function () { throw new TypeError('Illegal constructor') }, { permission: 'granted' }))
    expect(() => showRing('c1', WORDS, ANSWERS)()).not.toThrow()
  })

  it('is told by the service worker where there is one, answered by its buttons, and taken back', async () => {
    hide(true)
    FakeNotification.permission = 'granted'
    const told = { close: vi.fn() }
    const worker = { active: {}, showNotification: vi.fn(() => Promise.resolve()), getNotifications: vi.fn(() => Promise.resolve([told])) }
    const messages = new EventTarget()
    vi.stubGlobal('navigator', { serviceWorker: Object.assign(messages, { getRegistration: () => Promise.resolve(worker) }) })
    const click = (ringClick: string, call = 'c1') => messages.dispatchEvent(new MessageEvent('message', { data: { ringClick, call } }))

    const end = showRing('c1', WORDS, ANSWERS)
    await vi.waitFor(() => expect(worker.showNotification).toHaveBeenCalledOnce())
    expect(worker.showNotification).toHaveBeenCalledWith('Bo is calling', expect.objectContaining({ tag: 'c1', actions: [{ action: 'accept', title: 'Voice only' }, { action: 'decline', title: 'Decline' }] }))
    expect(shown).toEqual([])
    click('decline', 'another')
    click('open')
    expect(ANSWERS.decline).not.toHaveBeenCalled()
    click('decline')
    expect(ANSWERS.decline).toHaveBeenCalledOnce()
    end()
    await vi.waitFor(() => expect(told.close).toHaveBeenCalled())
    click('accept')
    expect(ANSWERS.accept).not.toHaveBeenCalled()
  })
})
