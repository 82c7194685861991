import { mount } from '@vue/test-utils'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { defineComponent } from 'vue'
import { useShortcuts } from './useShortcuts'

const actions = { microphone: vi.fn(), camera: vi.fn(), screen: vi.fn(), chat: vi.fn() }

function page() {
  return mount(
    defineComponent({
      setup: () => useShortcuts(actions),
      template: '<div><button>b</button><textarea /><select /><p contenteditable="true">x</p></div>',
    }),
    { attachTo: document.body },
  )
}

function press(on: Element, key: string, more: KeyboardEventInit = {}) {
  on.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }))
}

describe('keyboard shortcuts', () => {
  afterEach(() => {
    document.body.replaceChildren()
    vi.clearAllMocks()
  })

  it('run from anywhere in the call, capitals included', () => {
    const view = page()
    press(view.element, 'm')
    press(view.get('button').element, 'v')
    press(document.body, 'S')
    press(document.body, 'c')
    for (const action of Object.values(actions)) expect(action).toHaveBeenCalledOnce()
    view.unmount()
  })

  it('stay quiet while typing, with a modifier, on repeat and while composing', () => {
    const view = page()
    for (const field of ['textarea', 'select', 'p']) press(view.get(field).element, 'm')
    press(document.body, 'm', { ctrlKey: true })
    press(document.body, 'm', { metaKey: true })
    press(document.body, 'm', { repeat: true })
    press(document.body, 'm', { isComposing: true })
    expect(actions.microphone).not.toHaveBeenCalled()
    view.unmount()
  })

  it('stay quiet behind an open dialog, and after the call', () => {
    const view = page()
    const dialog = document.createElement('dialog')
    dialog.setAttribute('open', '')
    document.body.append(dialog)
    press(document.body, 'm')
    dialog.remove()
    view.unmount()
    press(document.body, 'm')
    expect(actions.microphone).not.toHaveBeenCalled()
  })
})
