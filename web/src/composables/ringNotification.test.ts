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

const hide = (hidden: boolean) => vi.spyOn(document, 'hidden', 'get').mockReturnValue(hidden)

describe('a call while the page is hidden', () => {
  it('is told if the reader allowed it, once for all tabs, and taken back when it rings no more', async () => {
    hide(true)
    showRing('c1', 'Bo is calling', 'x')
    expect(shown).toEqual([])
    expect(notificationState.value).toBe('ask')
    await askForNotifications()
    expect(notificationState.value).toBe('granted')
    const end = showRing('c1', 'Bo is calling', 'x')
    expect(shown).toMatchObject([{ title: 'Bo is calling', options: { tag: 'c1' } }])
    end()
    expect(shown[0]!.closed).toBe(true)
  })

  it('brings the page back when it is clicked', () => {
    hide(true)
    FakeNotification.permission = 'granted'
    const focus = vi.spyOn(window, 'focus').mockImplementation(() => undefined)
    showRing('c1', 'Bo is calling', 'x')
    shown[0]!.onclick?.()
    expect(focus).toHaveBeenCalled()
  })

  it('is not told over a page that is seen, nor where browsers refuse', () => {
    FakeNotification.permission = 'granted'
    hide(false)
    showRing('c1', 'Bo is calling', 'x')
    expect(shown).toEqual([])
    hide(true)
    vi.stubGlobal('Notification', Object.assign(function () { throw new TypeError('Illegal constructor') }, { permission: 'granted' }))
    expect(() => showRing('c1', 'Bo is calling', 'x')()).not.toThrow()
  })
})
