import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LibraryItem } from '@/media/library/item'
import { mounted } from '../componenttest/mounted'
import LibraryCard from './LibraryCard.vue'

let card: ReturnType<typeof mounted>
const item = (more: Partial<LibraryItem> = {}): LibraryItem => ({
  id: '1',
  kind: 'recording',
  title: '<b>Standup</b>',
  who: ['Ada', '王小明'],
  at: new Date(2026, 0, 2, 15, 4).getTime(),
  durationMs: 74_600,
  bytes: 3_200_000,
  width: 1280,
  height: 720,
  type: 'video/webm',
  file: '1.webm',
  state: 'kept',
  recovered: false,
  thumbnail: null,
  ...more,
})

afterEach(() => card.unmount())

describe('an item of the library', () => {
  it('tells what it is, when, how long, how large and who was there, and takes no name for markup', () => {
    card = mounted(LibraryCard, { item: item(), actions: [] })
    for (const words of ['<b>Standup</b>', '1:15', '3.2 MB', '1280 × 720', '2026', 'With Ada, 王小明']) expect(card.text()).toContain(words)
    expect(card.get('.face').attributes('aria-label')).toBe('Play <b>Standup</b>')
  })

  it('says when it is sound alone, was recovered, or has no known length', () => {
    card = mounted(LibraryCard, { item: item({ type: 'audio/webm', width: 0, height: 0, durationMs: null, recovered: true }), actions: [] })
    for (const words of ['Sound only', 'Recovered', 'length unknown']) expect(card.text()).toContain(words)
  })

  it('is opened by its face, and has a menu', async () => {
    const run = vi.fn()
    card = mounted(LibraryCard, { item: item({ kind: 'picture' }), actions: [{ id: 'rename', icon: 'pen', label: 'Rename', run }] })
    await card.get('.face').trigger('click')
    expect(card.emitted('open')).toHaveLength(1)
    await card.get('[data-testid="library-menu"]').trigger('click')
    await card.get('[data-testid="rename"]').trigger('click')
    expect(run).toHaveBeenCalledOnce()
  })
})
