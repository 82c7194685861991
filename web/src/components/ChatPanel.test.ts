import { afterEach, describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { MAX_TEXT } from '@/call/chat'
import type { ChatLine } from '@/call/state'
import ChatPanel from './ChatPanel.vue'
import { mounted } from './componenttest/mounted'

const line = (id: string, text: string, more: Partial<ChatLine> = {}): ChatLine => ({
  id, at: 1_760_000_000_000, mine: false, from: 'u-Bo', name: 'Bo', text, state: 'sent', ...more,
})

let panel: ReturnType<typeof mounted>
const open = (lines: ChatLine[] = []) => (panel = mounted(ChatPanel, { lines }))
const input = () => panel.get('[data-testid="chat-input"]')

describe('the chat', () => {
  afterEach(() => panel.unmount())

  it('shows what people write as text, whatever it looks like', () => {
    open([line('1', '<img src=x onerror=alert(1)> & <b>bold</b>')])
    expect(panel.get('[data-testid="chat-line"] .text').text()).toBe('<img src=x onerror=alert(1)> & <b>bold</b>')
    expect(panel.find('.text img, .text b').exists()).toBe(false)
  })

  it('makes links that give nothing away', () => {
    open([line('1', 'see https://a.example/x and javascript:alert(1)')])
    const links = panel.findAll('.text a')
    expect(links.map((a) => a.attributes('href'))).toEqual(['https://a.example/x'])
    expect(links[0]!.attributes()).toMatchObject({ target: '_blank', rel: 'noopener noreferrer nofollow' })
  })

  it('sends on Enter, and keeps the focus for the next line', async () => {
    open()
    await input().setValue('  hello ')
    await input().trigger('keydown', { key: 'Enter' })
    expect(panel.emitted('send')).toEqual([['hello']])
    expect((input().element as HTMLTextAreaElement).value).toBe('')
    expect(document.activeElement).toBe(input().element)
  })

  it('does not send while a word is being composed, on Shift+Enter, or when there is nothing', async () => {
    open()
    await input().trigger('keydown', { key: 'Enter' })
    await input().setValue('nihao')
    await input().trigger('keydown', { key: 'Enter', isComposing: true })
    await input().trigger('keydown', { key: 'Enter', shiftKey: true })
    expect(panel.emitted('send')).toBeUndefined()
  })

  it('says when a message is too long, instead of cutting it', async () => {
    open()
    await input().setValue('x'.repeat(MAX_TEXT + 1))
    expect(panel.get('[role="alert"]').text()).toContain(String(MAX_TEXT))
    expect(panel.get('[data-testid="chat-send"]').attributes('disabled')).toBeDefined()
    await panel.get('form').trigger('submit')
    expect(panel.emitted('send')).toBeUndefined()
  })

  it('stays where one reads, whatever is looked at anew, and follows a line of our own', async () => {
    const lines = [line('1', 'theirs'), line('2', 'ours', { mine: true })]
    open(lines)
    const list = panel.get('ol').element
    Object.defineProperties(list, { scrollHeight: { value: 900 }, clientHeight: { value: 300 } })
    list.scrollTop = 100
    await panel.get('ol').trigger('scroll')
    await panel.setProps({ lines: [...lines] })
    await nextTick()
    expect(list.scrollTop).toBe(100)
    await panel.setProps({ lines: [...lines, line('3', 'theirs')] })
    await nextTick()
    expect(list.scrollTop).toBe(100)
    await panel.setProps({ lines: [...lines, line('4', 'ours', { mine: true })] })
    await nextTick()
    expect(list.scrollTop).toBe(900)
  })

  it('tells the fate of our own lines and sends a failed one again', async () => {
    open([line('1', 'a', { mine: true, state: 'sending' }), line('2', 'b', { mine: true, state: 'failed' })])
    expect(panel.findAll('[data-testid="chat-line"]').map((li) => li.attributes('data-state'))).toEqual(['sending', 'failed'])
    await panel.get('[data-testid="chat-retry"]').trigger('click')
    expect(panel.emitted('retry')).toEqual([['2']])
  })

  it('says a name once for lines that follow each other', () => {
    const at = 1_760_000_000_000
    open([line('1', 'a', { at }), line('2', 'b', { at: at + 1000 }), line('3', 'c', { at: at + 600_000 }), line('3', 'd', { at: at + 600_001, from: 'u-Cy', name: 'Cy' })])
    expect(panel.findAll('.who b').map((b) => b.text())).toEqual(['Bo', 'Bo', 'Cy'])
  })

  it('closes on Escape', async () => {
    open()
    await input().trigger('keydown', { key: 'Escape' })
    expect(panel.emitted('close')).toHaveLength(1)
  })
})
