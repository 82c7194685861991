import { expect, it, vi } from 'vitest'
import { clicked, type PageClient } from './ringClick'

const page = (more: Partial<PageClient> = {}): PageClient => ({
  focused: false,
  visibilityState: 'hidden',
  focus: vi.fn(() => Promise.resolve()),
  postMessage: vi.fn(),
  ...more,
})

it('a click tells one page, the one that is looked at, and brings it to the front', async () => {
  const [other, seen] = [page(), page({ visibilityState: 'visible' })]
  await clicked('c1', 'accept', [other, seen], vi.fn())
  expect(seen.postMessage).toHaveBeenCalledExactlyOnceWith({ ringClick: 'accept', call: 'c1' })
  expect(seen.focus).toHaveBeenCalledOnce()
  expect(other.postMessage).not.toHaveBeenCalled()
})

it('declining leaves the reader where they are, and whatever else is clicked only opens', async () => {
  const one = page()
  await clicked('c1', 'decline', [one], vi.fn())
  expect(one.focus).not.toHaveBeenCalled()
  await clicked('c1', '', [one], vi.fn())
  expect(one.postMessage).toHaveBeenLastCalledWith({ ringClick: 'open', call: 'c1' })
})

it('a page is opened where there is none, and a refused focus is no error', async () => {
  const open = vi.fn(() => Promise.resolve())
  await clicked('c1', '', [], open)
  expect(open).toHaveBeenCalledOnce()
  await clicked('c1', 'decline', [], open)
  expect(open).toHaveBeenCalledOnce()
  await clicked('c1', 'accept', [page({ focus: () => Promise.reject(new Error('InvalidAccessError')) })], open)
})
