import { afterEach, describe, expect, it } from 'vitest'
import EmojiPicker from './EmojiPicker.vue'
import { mounted } from './componenttest/mounted'

let picker: ReturnType<typeof mounted>
const open = (language: 'en' | 'zh' = 'en') => (picker = mounted(EmojiPicker, {}, { language }))
const search = () => picker.get('[data-testid="emoji-search"]')
const focused = () => document.activeElement?.getAttribute('data-emoji')

describe('the emoji picker', () => {
  afterEach(() => picker.unmount())

  it('has the focus in its search, and gives the first that is found on Enter', async () => {
    open('zh')
    expect(document.activeElement).toBe(search().element)
    await search().setValue('加油')
    expect(picker.findAll('[data-emoji]').map((one) => one.attributes('aria-label'))).toEqual(['加油'])
    await search().trigger('keydown', { key: 'Enter' })
    expect(picker.emitted('pick')).toEqual([['💪']])
  })

  it('is walked with the arrows, one stop for Tab', async () => {
    open()
    await search().trigger('keydown', { key: 'ArrowDown' })
    await picker.vm.$nextTick()
    expect(focused()).toBe('😀')
    await picker.get('.grid').trigger('keydown', { key: 'ArrowRight' })
    await picker.vm.$nextTick()
    expect(focused()).toBe('😄')
    await picker.get('.grid').trigger('keydown', { key: 'End' })
    await picker.vm.$nextTick()
    expect(focused()).toBe('👑')
    expect(picker.findAll('.grid [tabindex="0"]')).toHaveLength(1)
  })

  it('says that there is none, and closes on Escape without closing what is around it', async () => {
    open()
    await search().setValue('xyzzy')
    expect(picker.text()).toContain('No emoji of that name')
    await search().trigger('keydown', { key: 'Escape' })
    expect(picker.emitted('close')).toHaveLength(1)
  })
})
