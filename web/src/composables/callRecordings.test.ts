import { expect, it } from 'vitest'
import type { LibraryItem } from '@/media/library/item'
import { callRecordings, noteRecordings } from './callRecordings'

const item = (title: string) => ({ title }) as LibraryItem

it('tells what a call leaves in the library, and nothing of the call before', () => {
  const first = noteRecordings()
  first.begun()
  first.begun()
  expect(callRecordings.unsaved).toBe(2)
  first.over(item('one'))
  first.over(null)
  expect(callRecordings).toMatchObject({ unsaved: 0, saved: [{ title: 'one' }], empty: true })
  first.begun()
  const second = noteRecordings()
  second.begun()
  first.over(item('late'))
  expect(callRecordings).toMatchObject({ unsaved: 1, saved: [], empty: false })
})
