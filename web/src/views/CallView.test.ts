import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest'
import { nextTick } from 'vue'
import { deviceControls, devicesView, mounted, peerView, roomView } from '@/components/componenttest/mounted'
import { announced } from '@/composables/announcer'
import CallView from './CallView.vue'

let view: ReturnType<typeof mounted>
let media: ReturnType<typeof deviceControls>
const call = { sendText: vi.fn(() => Promise.resolve()), retryText: vi.fn(() => Promise.resolve()), restartIce: vi.fn() }
let copy: MockInstance<(text: string) => Promise<void>>

function open(snapshot = roomView(), devices = devicesView({ microphone: { state: 'on' } })) {
  media = deviceControls()
  view = mounted(CallView, { call, snapshot, media, devices })
}
const byTestId = (id: string) => view.get(`[data-testid="${id}"]`)
const press = (key: string) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))

describe('the call', () => {
  beforeEach(() => {
    copy = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue()
  })
  afterEach(() => {
    view.unmount()
    vi.clearAllMocks()
  })

  it('invites others while nobody else is there', async () => {
    open()
    expect(view.text()).toContain('You are the only one here')
    await byTestId('copy-link').trigger('click')
    await vi.waitFor(() => expect(byTestId('copy-link').text()).toBe('Link copied'))
    expect(copy).toHaveBeenCalledWith(`${location.origin}/r/standup`)
    await view.setProps({ snapshot: roomView({ peers: [peerView('Bo')] }) })
    expect(view.text()).not.toContain('You are the only one here')
  })

  it('shows the link when the browser refuses to copy it', async () => {
    copy.mockRejectedValueOnce(new Error('no'))
    open(roomView({ peers: [peerView('Bo')] }))
    await byTestId('invite').trigger('click')
    await vi.waitFor(() => expect(view.get('[data-notice="copy-failed"]').text()).toContain('/r/standup'))
  })

  it('has a tile for everybody, our own one last', () => {
    open(roomView({ peers: [peerView('Bo'), peerView('Cy')] }))
    const tiles = view.findAll('[data-testid="tile"]')
    expect(tiles.map((tile) => tile.attributes('data-self'))).toEqual(['false', 'false', 'true'])
    expect(view.findAll('[data-testid="remote-audio"]')).toHaveLength(2)
  })

  it('works its controls by hand and by key', async () => {
    open()
    await byTestId('microphone').trigger('click')
    expect(media.setMicrophone).toHaveBeenLastCalledWith(false)
    press('v')
    expect(media.setCamera).toHaveBeenLastCalledWith(true)
    press('s')
    expect(media.startScreen).toHaveBeenCalled()
    await byTestId('leave').trigger('click')
    expect(view.emitted('leave')).toHaveLength(1)
  })

  it('has no screen to share on a phone', () => {
    open(roomView(), devicesView({ canShareScreen: false }))
    expect(view.find('[data-testid="screen"]').exists()).toBe(false)
    press('s')
    expect(media.startScreen).not.toHaveBeenCalled()
  })

  it('counts messages that came while the chat was closed, and reads them out', async () => {
    open(roomView({ peers: [peerView('Bo')] }))
    const at = Date.now() + 1_000
    const chat = [{ id: '1', at, mine: false, from: 'u-Bo', name: 'Bo', text: 'hello', state: 'sent' as const }]
    await view.setProps({ snapshot: roomView({ peers: [peerView('Bo')], chat }) })
    expect(byTestId('chat').text()).toContain('1')
    expect(announced.value).toBe('Bo wrote: hello')
    press('c')
    await nextTick()
    expect(view.findAll('[data-testid="chat-line"]')).toHaveLength(1)
    await byTestId('chat-input').setValue('hi')
    await byTestId('chat-send').trigger('submit')
    expect(call.sendText).toHaveBeenCalledWith('hi')
    await byTestId('chat').trigger('click')
    expect(byTestId('chat').find('.count').exists()).toBe(false)
  })

  it('looks for another path when told to', async () => {
    open(roomView({ peers: [peerView('Bo', { link: 'failed', path: null })] }))
    await view.get('[data-testid="tile"] button').trigger('click')
    expect(call.restartIce).toHaveBeenCalledWith('p-Bo')
  })

  it('is dark, whatever the page is', () => {
    open()
    expect(byTestId('call').attributes('data-theme')).toBe('dark')
  })
})
