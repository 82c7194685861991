import { flushPromises } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { mounted } from '@/components/componenttest/mounted'
import type { LibraryItem } from '@/media/library/item'
import PlayerDialog from './PlayerDialog.vue'

const item = { id: '1', kind: 'recording', title: 'Ada', type: 'video/webm', file: '1.webm' } as LibraryItem
let view: ReturnType<typeof mounted>
afterEach(() => view.unmount())

async function open(read: () => Promise<File>): Promise<void> {
  view = mounted(PlayerDialog, { item, read })
  await flushPromises()
}

async function refuse(): Promise<string> {
  await view.get('[data-testid="player"]').trigger('error')
  await vi.waitFor(() => expect(view.find('[role="alert"]').exists()).toBe(true))
  return view.get('[role="alert"]').text()
}

it('says that the browser cannot play it where the file is there', async () => {
  await open(() => Promise.resolve(new File(['some codec'], '1.webm')))
  expect(await refuse()).toContain('codec is not supported')
})

it('says that the file is gone where it can no longer be read', async () => {
  await open(() => {
    const file = new File(['x'], '1.webm')
    file.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException('', 'NotReadableError')) }) as unknown as Blob
    return Promise.resolve(file)
  })
  expect(await refuse()).toContain('no longer there')
})

it('says so at once where there is no file', async () => {
  await open(() => Promise.reject(new DOMException('', 'NotFoundError')))
  expect(view.get('[role="alert"]').text()).toContain('no longer there')
})
