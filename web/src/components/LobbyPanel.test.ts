import { beforeEach, describe, expect, it, vi } from 'vitest'
import { useName } from '@/composables/useName'
import type { Problem } from '@/media/devices'
import { deviceControls, devicesView, mounted } from './componenttest/mounted'
import LobbyPanel from './LobbyPanel.vue'

function lobby(devices = devicesView(), media = deviceControls()) {
  return { view: mounted(LobbyPanel, { room: 'standup', media, devices, joining: false }), media }
}

describe('the lobby', () => {
  beforeEach(() => {
    vi.spyOn(globalThis, 'fetch').mockImplementation(() => Promise.resolve(Response.json({ guests: true })))
    useName().value = ''
  })

  it('checks the devices at once', () => {
    const { media } = lobby()
    expect(media.setCamera).toHaveBeenCalledWith(true)
    expect(media.setMicrophone).toHaveBeenCalledWith(true)
  })

  it('asks for a name before it lets anybody in', async () => {
    const { view } = lobby()
    await view.get('form').trigger('submit')
    expect(view.emitted('join')).toBeUndefined()
    const name = view.get('[data-testid="name"]')
    expect(document.activeElement).toBe(name.element)
    expect(name.attributes('aria-invalid')).toBe('true')
    await name.setValue('  Ada ')
    await view.get('form').trigger('submit')
    expect(view.emitted('join')).toEqual([['Ada']])
    view.unmount()
  })

  it('says what to do while the browser asks', () => {
    const { view } = lobby(devicesView({ camera: { state: 'asking', permission: 'prompt' } }))
    expect(view.get('[data-problem="asking"]').text()).toContain('Choose “Allow”')
  })

  it('keeps still about asking when the permission was given before', () => {
    const { view } = lobby(devicesView({ camera: { state: 'asking', permission: 'granted' } }))
    expect(view.find('[data-problem="asking"]').exists()).toBe(false)
  })

  it.each<[Problem, string]>([
    ['denied', 'may not use your camera and microphone'],
    ['denied_by_system', 'Your system keeps'],
    ['dismissed', 'have not allowed'],
    ['missing', 'No camera and no microphone found'],
    ['busy', 'Another program is using'],
    ['lost', 'unplugged'],
    ['failed', 'did not start'],
  ])('has its own words for %s, tries again, and lets in without', async (problem, words) => {
    const { view, media } = lobby(devicesView({ microphone: { problem }, camera: { problem } }))
    const note = view.get(`[data-problem="${problem}"]`)
    expect(note.text()).toContain(words)
    media.setCamera.mockClear()
    await note.get('button').trigger('click')
    expect(media.setCamera).toHaveBeenCalledWith(true)
    await view.get('[data-testid="name"]').setValue('Ada')
    await view.get('form').trigger('submit')
    expect(view.emitted('join')).toHaveLength(1)
  })

  it.each<[Problem, string]>([
    ['insecure', 'https only'],
    ['unsupported', 'cannot use cameras'],
  ])('offers no second try where none can help: %s', (problem, words) => {
    const { view } = lobby(devicesView({ microphone: { problem }, camera: { problem } }))
    const note = view.get(`[data-problem="${problem}"]`)
    expect(note.text()).toContain(words)
    expect(note.find('button').exists()).toBe(false)
  })

  it('turns each device on and off, and lets choose another', async () => {
    const cameras = [
      { deviceId: 'a', label: 'Front' },
      { deviceId: 'b', label: '' },
    ]
    const { view, media } = lobby(devicesView({ cameras, microphone: { state: 'on' } }))
    await view.get('[data-testid="microphone"]').trigger('click')
    expect(media.setMicrophone).toHaveBeenLastCalledWith(false)
    expect(view.get('[data-testid="microphone"]').attributes('aria-pressed')).toBe('true')
    await view.get('[data-testid="camera"]').trigger('click')
    expect(media.setCamera).toHaveBeenLastCalledWith(true)
    const select = view.get('[data-testid="select-camera"]')
    expect(select.findAll('option').map((option) => option.text())).toEqual(['Off, the browser will choose', 'Front', 'Camera 2'])
    await select.setValue('b')
    expect(media.selectCamera).toHaveBeenCalledWith('b')
    expect(view.find('[data-testid="select-microphone"]').exists()).toBe(false)
    await view.setProps({ devices: devicesView({ cameras, camera: { state: 'on' } }) })
    expect(select.find('option').text()).toBe('Chosen by the browser')
  })
})
