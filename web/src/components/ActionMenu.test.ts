import { describe, expect, it, vi } from 'vitest'
import { h } from 'vue'
import type { CallAction } from '@/composables/callFeature'
import ActionMenu from './ActionMenu.vue'
import { mounted } from './componenttest/mounted'

function menu(actions: CallAction[]) {
  const slots = {
    default: ({ toggle, attributes }: { toggle: () => void; attributes: Record<string, unknown> }) => h('button', { ...attributes, class: 'opener', onClick: toggle }, 'open'),
  }
  const view = mounted(ActionMenu, { actions, label: 'More' }, { slots })
  const press = (key: string) => view.get('[role="menu"]').trigger('keydown', { key })
  return { view, press, opener: view.get<HTMLElement>('.opener'), focused: () => document.activeElement?.getAttribute('data-testid') ?? document.activeElement?.className }
}

const action = (id: string, more: Partial<CallAction> = {}): CallAction => ({ id, icon: 'info', label: id, run: vi.fn(), ...more })

describe('a menu of actions', () => {
  it('is walked by arrows, passes over what cannot be done, and gives the focus back', async () => {
    const { view, press, opener, focused } = menu([action('one'), action('never', { disabled: true }), action('two')])
    await opener.trigger('click')
    expect(opener.attributes('aria-expanded')).toBe('true')
    await vi.waitFor(() => expect(focused()).toBe('one'))
    await press('ArrowDown')
    expect(focused()).toBe('two')
    await press('ArrowDown')
    expect(focused()).toBe('one')
    await press('End')
    expect(focused()).toBe('two')
    await view.get('.menu').trigger('keydown', { key: 'Escape' })
    expect(view.find('[role="menu"]').exists()).toBe(false)
    expect(focused()).toBe('opener')
    view.unmount()
  })

  it('does what is chosen once, and nothing for what is disabled', async () => {
    const [go, never] = [action('go', { pressed: true }), action('never', { disabled: true })]
    const { view, opener } = menu([go, never])
    await opener.trigger('click')
    expect(view.get('[data-testid="go"]').attributes()).toMatchObject({ role: 'menuitemcheckbox', 'aria-checked': 'true' })
    await view.get('[data-testid="never"]').trigger('click')
    expect(never.run).not.toHaveBeenCalled()
    await view.get('[data-testid="go"]').trigger('click')
    expect(go.run).toHaveBeenCalledOnce()
    expect(view.find('[role="menu"]').exists()).toBe(false)
    view.unmount()
  })
})
