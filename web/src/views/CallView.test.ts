import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest'
import { nextTick } from 'vue'
import { deviceControls, devicesView, mounted, peerView, roomView } from '@/components/componenttest/mounted'
import { announced } from '@/composables/announcer'
import type { CallContext, CallFeature } from '@/composables/callFeature'
import CallView from './CallView.vue'

let view: ReturnType<typeof mounted>
let media: ReturnType<typeof deviceControls>
const call = {
  sendText: vi.fn(() => Promise.resolve()),
  retryText: vi.fn(() => Promise.resolve()),
  restartIce: vi.fn(),
  peerConnections: () => new Map(),
  rights: { snapshot: () => ({ moderator: false, locked: false, knocking: [] }), subscribe: () => () => undefined },
  reactions: { listen: () => () => undefined },
}
let copy: MockInstance<(text: string) => Promise<void>>

function open(snapshot = roomView(), devices = devicesView({ microphone: { state: 'on' } })) {
  media = deviceControls()
  view = mounted(CallView, { call, snapshot, media, devices, features: [] })
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

describe('a feature of the call', () => {
  it('gets a place in the bar, the menu, the notices, the tiles, and beside them', async () => {
    const run = vi.fn()
    const word = { template: '<p class="inside">inside</p>' }
    const make = vi.fn((context: CallContext): CallFeature => ({
      actions: () => [
        { id: 'shout', icon: 'sound', label: 'Shout', place: 'bar', shortcut: 'x', run },
        { id: 'look', icon: 'info', label: 'Look', run: () => context.openPanel('look') },
      ],
      notices: () => [{ id: 'loud', tone: 'calm', title: { key: 'call.hear', named: {} }, button: { label: { key: 'app.close', named: {} }, run } }],
      panel: () => ({ id: 'look', heading: 'A look', component: word }),
      overlay: { component: { template: '<i class="afloat" />' } },
      tileActions: (owner) => (owner ? [{ id: `greet-${owner.user.name}`, icon: 'info', label: 'Greet', run }] : []),
      tileMarks: (owner) => (owner ? [] : [{ id: 'me', icon: 'check', label: 'That is me' }]),
      tileFigures: (owner) => (owner ? [`figures of ${owner.user.name}`] : []),
    }))
    media = deviceControls()
    const snapshot = roomView({ peers: [peerView('Bo')] })
    view = mounted(CallView, { call, snapshot, media, devices: devicesView(), features: [make] })
    await byTestId('shout').trigger('click')
    press('x')
    await view.get('[data-notice="loud"] button').trigger('click')
    await view.get('[data-self="false"] [data-testid="tile-menu"]').trigger('click')
    await byTestId('greet-Bo').trigger('click')
    expect(run).toHaveBeenCalledTimes(4)
    expect(view.get('[data-self="true"] [data-mark="me"]').text()).toBe('That is me')
    expect(view.get('[data-self="false"] [data-testid="badge"]').text()).toContain('figures of Bo')
    expect(view.find('.afloat').exists()).toBe(true)

    await byTestId('more').trigger('click')
    await byTestId('look').trigger('click')
    expect(byTestId('panel').text()).toContain('inside')
    await byTestId('chat').trigger('click')
    expect(view.find('[data-testid="panel"]').exists()).toBe(false)
    view.unmount()
  })
})
