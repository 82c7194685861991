import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { flushPromises } from '@vue/test-utils'
import { mounted } from '@/components/componenttest/mounted'
import RoomView from './RoomView.vue'

const ask = vi.fn(() => Promise.reject(new DOMException('no', 'NotFoundError')))

/** The page of a room in a browser with these, and without what is undefined. */
async function room(browser: { RTCPeerConnection?: unknown; mediaDevices?: unknown; isSecureContext?: boolean }, language: 'en' | 'zh' = 'en') {
  vi.stubGlobal('RTCPeerConnection', browser.RTCPeerConnection)
  vi.stubGlobal('isSecureContext', browser.isSecureContext ?? true)
  Object.defineProperty(navigator, 'mediaDevices', { value: browser.mediaDevices, configurable: true })
  const view = mounted(RoomView, { room: 'standup' }, { language })
  await flushPromises()
  return view
}

describe('the page of a room', () => {
  beforeEach(() => {
    vi.stubGlobal('fetch', async () => Response.json({ guests: true, region: 'eu', version: '1' }))
    ask.mockClear()
  })
  afterEach(() => {
    document.body.innerHTML = ''
    Reflect.deleteProperty(navigator, 'mediaDevices')
    vi.unstubAllGlobals()
  })

  it.each([
    ['en', 'This browser cannot make calls', /no WebRTC.*extension.*Chrome, Edge, Firefox or Safari/],
    ['zh', '这个浏览器不能通话', /不支持 WebRTC.*扩展程序.*Chrome、Edge、Firefox 或 Safari/],
  ] as const)('says in %s that a browser without WebRTC makes no calls, before it asks for a camera', async (language, title, how) => {
    const view = await room({ mediaDevices: { getUserMedia: ask } }, language)
    expect(view.get('h1').text()).toBe(title)
    expect(view.get('[role="alert"]').text()).toMatch(how)
    expect(view.find('[data-testid="join"]').exists()).toBe(false)
    expect(ask).not.toHaveBeenCalled()
    view.unmount()
  })

  it.each([
    ['over plain http', 'insecure', { isSecureContext: false }, 'Open the https address instead'],
    ['in a browser without devices', 'unsupported', {}, 'Open the link in a current Chrome'],
  ] as const)('says why there is neither camera nor microphone %s, and lets in all the same', async (_, problem, lack, how) => {
    const view = await room({ RTCPeerConnection: class {}, ...lack })
    await vi.waitFor(() => expect(view.get(`[data-problem="${problem}"]`).text()).toContain(how))
    expect(view.get('[data-testid="join"]').attributes('disabled')).toBeUndefined()
    view.unmount()
  })

  it('says nothing of all that where nothing is missing', async () => {
    const view = await room({ RTCPeerConnection: class {}, mediaDevices: { getUserMedia: ask } })
    expect(view.get('h1').text()).not.toContain('cannot')
    expect(view.find('[data-testid="join"]').exists()).toBe(true)
    expect(ask).toHaveBeenCalled()
    view.unmount()
  })
})
