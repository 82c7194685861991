import { afterEach, describe, expect, it } from 'vitest'
import type { FileView } from '@/call/files/view'
import FileItem from './FileItem.vue'
import { mounted } from './componenttest/mounted'

const view = (more: Partial<FileView> = {}): FileView => ({
  id: '1', mine: false, user: { id: 'u-Bo', name: 'Bo' }, there: true, name: '<b>photo</b>.png', size: 3_200_000, type: 'image/png', state: 'asked',
  stored: 0, rate: 0, at: 1_760_000_000_000, stop: null, ...more,
})

let item: ReturnType<typeof mounted>
const show = (more: Partial<FileView> = {}, language: 'en' | 'zh' = 'en') => (item = mounted(FileItem, { file: view(more) }, { language }))
const buttons = () => item.findAll('button').map((button) => button.text())

describe('a file in the chat', () => {
  afterEach(() => item.unmount())

  it('is offered with its name as text, its size and its type', async () => {
    show()
    expect(item.text()).toContain('<b>photo</b>.png')
    expect(item.text()).toContain('3.2 MB · image/png')
    expect(item.find('b b').exists()).toBe(false)
    await item.get('[data-testid="file-accept"]').trigger('click')
    await item.get('[data-testid="file-decline"]').trigger('click')
    expect(item.emitted('act')).toEqual([['accept'], ['decline']])
  })

  it.each([
    [{ state: 'asked', mine: true }, 'Waiting for Bo to accept it', ['Cancel']],
    [{ state: 'waiting' }, 'Waiting for a connection to Bo', ['Cancel']],
    [{ state: 'waiting', there: false }, 'goes on when they come back', ['Cancel']],
    [{ state: 'moving', stored: 1_200_000, rate: 500_000 }, '1.2 MB of 3.2 MB · 500 kB/s · 4 seconds left', ['Cancel']],
    [{ state: 'moving', stored: 200_000, rate: 10_000 }, '5 minutes left', ['Cancel']],
    [{ state: 'moving' }, '0 bytes of 3.2 MB', ['Cancel']],
    [{ state: 'checking' }, 'Checking', ['Cancel']],
    [{ state: 'done' }, 'every byte is right', ['Save']],
    [{ state: 'done', mine: true }, 'Bo has received it', []],
    [{ state: 'declined', mine: true }, 'Bo declined it', []],
    [{ state: 'cancelled', stop: 'cancelled' }, 'Cancelled', []],
    [{ state: 'failed', stop: 'space' }, 'not enough room', []],
    [{ state: 'failed', stop: 'damaged' }, 'did not arrive as it was sent', []],
  ] as [Partial<FileView>, string, string[]][])('says how it stands: %o', (more, words, acts) => {
    show(more)
    expect(item.get('.state').text()).toContain(words)
    expect(buttons()).toEqual(acts)
  })

  it('shows how far it is to everybody', () => {
    show({ state: 'moving', stored: 800_000 })
    expect(item.get('progress').attributes()).toMatchObject({ value: '800000', max: '3200000', 'aria-label': 'Progress of <b>photo</b>.png' })
  })

  it('speaks Chinese', () => {
    show({ state: 'moving', stored: 1_200_000, rate: 500_000 }, 'zh')
    expect(item.text()).toContain('来自 Bo')
    expect(item.text()).toContain('还剩 4 秒')
  })
})
