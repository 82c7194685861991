import { mount } from '@vue/test-utils'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { defineComponent } from 'vue'
import { usePushToTalk } from './usePushToTalk'

const microphone = { ready: vi.fn(() => true), set: vi.fn() }

function page() {
  return mount(
    defineComponent({
      setup: () => ({ talking: usePushToTalk(microphone) }),
      template: '<div><i>{{ talking }}</i><button>b</button><button data-testid="microphone" /><textarea /></div>',
    }),
    { attachTo: document.body },
  )
}

function key(type: 'keydown' | 'keyup', on: EventTarget, at: number, more: KeyboardEventInit = {}): boolean {
  const event = new KeyboardEvent(type, { key: ' ', bubbles: true, cancelable: true, ...more })
  Object.defineProperty(event, 'timeStamp', { value: at })
  return on.dispatchEvent(event)
}

describe('push to talk', () => {
  afterEach(() => {
    document.body.replaceChildren()
    vi.clearAllMocks()
    microphone.ready.mockReturnValue(true)
  })

  it('is on while the space bar is held, however short, and says so', async () => {
    const view = page()
    expect(key('keydown', document.body, 0), 'the page does not scroll').toBe(false)
    key('keydown', document.body, 50, { repeat: true })
    expect(microphone.set.mock.calls).toEqual([[true]])
    await view.vm.$nextTick()
    expect(view.get('i').text()).toBe('true')
    key('keyup', document.body, 100)
    expect(microphone.set.mock.calls).toEqual([[true], [false]])
    view.unmount()
  })

  it('leaves space to fields and to other buttons, and does nothing while the microphone is on', () => {
    const view = page()
    for (const field of ['textarea', 'button']) expect(key('keydown', view.get(field).element, 0)).toBe(true)
    microphone.ready.mockReturnValue(false)
    key('keydown', document.body, 0)
    expect(microphone.set).not.toHaveBeenCalled()
    view.unmount()
  })

  it('stays on after a short press of the microphone’s button, and not after a long one', () => {
    const view = page()
    const button = view.get('[data-testid="microphone"]').element
    key('keydown', button, 0)
    key('keyup', button, 100)
    expect(microphone.set.mock.calls).toEqual([[true]])
    key('keydown', button, 1_000)
    expect(key('keyup', button, 2_000), 'it is no click as well').toBe(false)
    expect(microphone.set.mock.calls).toEqual([[true], [true], [false]])
    view.unmount()
  })

  it('never stays on when the release cannot be heard', () => {
    const view = page()
    key('keydown', document.body, 0)
    window.dispatchEvent(new Event('blur'))
    expect(microphone.set).toHaveBeenLastCalledWith(false)
    key('keydown', document.body, 0)
    view.unmount()
    expect(microphone.set.mock.calls).toEqual([[true], [false], [true], [false]])
  })
})
