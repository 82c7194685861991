import { afterEach, describe, expect, it, vi } from 'vitest'
import { deviceControls, devicesView, mounted, peerView, roomView } from '@/components/componenttest/mounted'
import CallView from '@/views/CallView.vue'
import { announced } from './announcer'
import { recordingFeature } from './recordingFeature'

let view: ReturnType<typeof mounted>
const call = { setStatus: vi.fn(), restartIce: vi.fn() }
const recording = { hand: false, recording: true }

function open(snapshot = roomView({ peers: [peerView('Bo')] })) {
  view = mounted(CallView, { call, snapshot, media: { ...deviceControls(), track: () => null }, devices: devicesView(), features: [recordingFeature] })
}
const show = (snapshot: ReturnType<typeof roomView>) => view.setProps({ snapshot })

afterEach(() => view.unmount())

describe('whoever is recorded', () => {
  it('sees it and hears of it, from the start to the end', async () => {
    open()
    expect(view.find('[data-notice="recording-p-Bo"]').exists()).toBe(false)
    await show(roomView({ peers: [peerView('Bo', { status: recording })] }))
    expect(view.get('[data-notice="recording-p-Bo"]').text()).toContain('Bo is recording this call')
    expect(view.get('[data-peer="p-Bo"] [data-mark="recording"]').text()).toBe('Is recording')
    expect(announced.value).toBe('Bo started recording')
    await show(roomView({ peers: [peerView('Bo')] }))
    expect(view.find('[data-mark="recording"]').exists()).toBe(false)
    expect(announced.value).toBe('Bo stopped recording')
  })

  it('is told when coming to a call that is being recorded', () => {
    open(roomView({ peers: [peerView('Bo', { status: recording })] }))
    expect(view.find('[data-notice="recording-p-Bo"]').exists()).toBe(true)
  })
})

describe('where a browser cannot record', () => {
  it('says so, and tells nobody that it does', async () => {
    open()
    await view.get('[data-testid="more"]').trigger('click')
    const record = view.get('[data-testid="record"]')
    expect(record.attributes('title')).toContain('This browser cannot record')
    await record.trigger('click')
    expect(call.setStatus).not.toHaveBeenCalled()
  })
})
