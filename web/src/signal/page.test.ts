import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { SignalClient } from './client'
import { bindPage } from './page'

const signal = { state: 'open', wake: vi.fn(), close: vi.fn() }
let unbind: () => void

beforeEach(() => {
  signal.state = 'open'
  signal.wake.mockClear()
  signal.close.mockClear()
  unbind = bindPage(signal as unknown as SignalClient)
})
afterEach(() => unbind())

const leave = (persisted: boolean) => window.dispatchEvent(Object.assign(new Event('pagehide'), { persisted }))

it('wakes the line when the network or the reader comes back', () => {
  window.dispatchEvent(new Event('online'))
  document.dispatchEvent(new Event('visibilitychange'))
  window.dispatchEvent(new Event('pageshow'))
  expect(signal.wake).toHaveBeenCalledTimes(3)
})

it('tries an open line when the network has gone, and connects no other', () => {
  window.dispatchEvent(new Event('offline'))
  expect(signal.wake).toHaveBeenCalledOnce()
  signal.state = 'reconnecting'
  window.dispatchEvent(new Event('offline'))
  expect(signal.wake).toHaveBeenCalledOnce()
})

it('wakes the line when the clock shows that the machine slept, however its timers counted', () => {
  vi.useFakeTimers()
  try {
    unbind()
    unbind = bindPage(signal as unknown as SignalClient)
    vi.advanceTimersByTime(60_000)
    expect(signal.wake).not.toHaveBeenCalled()
    vi.setSystemTime(Date.now() + 3_600_000)
    vi.advanceTimersByTime(3_000)
    expect(signal.wake).toHaveBeenCalledOnce()
    vi.setSystemTime(Date.now() - 7_200_000)
    vi.advanceTimersByTime(60_000)
    expect(signal.wake).toHaveBeenCalledOnce()
  } finally {
    unbind()
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  }
})

it('ends the session with the page, unless the page may come back', () => {
  leave(true)
  expect(signal.close).not.toHaveBeenCalled()
  leave(false)
  expect(signal.close).toHaveBeenCalledOnce()
})

it('leaves nothing behind', () => {
  unbind()
  leave(false)
  window.dispatchEvent(new Event('online'))
  expect(signal.close).not.toHaveBeenCalled()
  expect(signal.wake).not.toHaveBeenCalled()
})
