import { mount } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { defineComponent, ref, useTemplateRef } from 'vue'
import { useRovingFocus } from './useRovingFocus'

const Bar = defineComponent({
  setup() {
    const more = ref(true)
    useRovingFocus(useTemplateRef<HTMLElement>('bar'), 'button')
    return { more }
  },
  template: `<div ref="bar"><button>a</button><button disabled>b</button><ul role="menu"><button tabindex="-1">m</button></ul><button v-if="more">c</button><button>d</button></div>`,
})

it('a toolbar is one stop for Tab, and its arrows walk around', async () => {
  const view = mount(Bar, { attachTo: document.body })
  const stops = () => view.findAll('button').filter((button) => button.attributes('tabindex') === '0').map((button) => button.text())
  const press = (key: string) => document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
  const here = () => document.activeElement?.textContent
  await view.vm.$nextTick()
  expect(stops()).toEqual(['a'])
  view.get('button').element.focus()
  press('ArrowRight')
  expect(here()).toBe('c')
  expect(stops()).toEqual(['c'])
  press('End')
  expect(here()).toBe('d')
  press('ArrowRight')
  expect(here()).toBe('a')
  press('ArrowLeft')
  press('ArrowLeft')
  expect(here()).toBe('c')
  view.vm.more = false
  await view.vm.$nextTick()
  expect(stops()).toEqual(['a'])
  view.unmount()
})
