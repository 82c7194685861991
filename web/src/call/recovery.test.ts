// @vitest-environment node
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Recovery } from './recovery'

const restart = vi.fn()
const renew = vi.fn()
let recovery: Recovery

function begin(signalUp = true): void {
  recovery = new Recovery({ restart, renew }, signalUp)
}

beforeEach(() => {
  vi.useFakeTimers()
  restart.mockClear()
  renew.mockClear()
})
afterEach(() => {
  recovery.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

it('gives a disconnected link three seconds to come back by itself', () => {
  begin()
  recovery.observe('connected', 'connected')
  recovery.observe('disconnected', 'disconnected')
  expect(recovery.link).toBe('reconnecting')
  vi.advanceTimersByTime(2_900)
  recovery.observe('connected', 'connected')
  vi.advanceTimersByTime(60_000)
  expect(restart).not.toHaveBeenCalled()
  recovery.observe('disconnected', 'disconnected')
  vi.advanceTimersByTime(3_000)
  expect(restart).toHaveBeenCalledOnce()
})

it('restarts a failed link at once', () => {
  begin()
  recovery.observe('connected', 'connected')
  recovery.observe('failed', 'failed')
  expect(restart).toHaveBeenCalledOnce()
  expect(recovery.link).toBe('reconnecting')
})

it('tries again and again, says so when it was in vain, and doubts the connection in the end', () => {
  begin()
  recovery.observe('failed', 'failed')
  expect(recovery.link).toBe('connecting')
  recovery.observe('failed', 'failed')
  expect(recovery.link).toBe('failed')
  expect(restart).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(10_000)
  expect(restart).toHaveBeenCalledTimes(2)
  vi.advanceTimersByTime(20_000)
  expect(restart).toHaveBeenCalledTimes(3)
  expect(renew).not.toHaveBeenCalled()
  vi.advanceTimersByTime(30_000)
  expect(renew).toHaveBeenCalledTimes(1)
  recovery.observe('connecting', 'checking')
  expect(recovery.link).toBe('failed')
  recovery.observe('connected', 'connected')
  expect(recovery.link).toBe('connected')
  vi.advanceTimersByTime(120_000)
  expect(restart).toHaveBeenCalledTimes(3)
})

it('waits for the signalling, and then loses no time', () => {
  begin()
  recovery.observe('connected', 'connected')
  recovery.signal(false)
  recovery.observe('failed', 'failed')
  vi.advanceTimersByTime(120_000)
  expect(restart).not.toHaveBeenCalled()
  recovery.signal(true)
  expect(restart).toHaveBeenCalledOnce()
})

it('leaves a link alone that is well when the signalling comes back', () => {
  begin()
  recovery.observe('connected', 'connected')
  recovery.signal(false)
  recovery.signal(true)
  vi.advanceTimersByTime(120_000)
  expect(restart).not.toHaveBeenCalled()
  expect(recovery.link).toBe('connected')
})

it('does not trust three seconds when the network came back under a disconnected link', () => {
  begin()
  recovery.observe('connected', 'connected')
  recovery.signal(false)
  recovery.observe('disconnected', 'disconnected')
  recovery.signal(true)
  expect(restart).toHaveBeenCalledOnce()
})

it('renews a connection that has a path but no handshake, though not in a tight loop', () => {
  begin()
  recovery.observe('failed', 'connected')
  expect(renew).toHaveBeenCalledOnce()
  recovery.observe('failed', 'connected')
  expect(renew).toHaveBeenCalledOnce()
  expect(recovery.link).toBe('failed')
})

it('renews a connection that cannot be negotiated, a while later', () => {
  begin()
  recovery.observe('connected', 'connected')
  recovery.broken()
  expect(renew).not.toHaveBeenCalled()
  vi.advanceTimersByTime(5_000)
  expect(renew).toHaveBeenCalledOnce()
})

it('does not wait for ever for the first description', () => {
  begin()
  vi.advanceTimersByTime(20_000)
  expect(restart).toHaveBeenCalledOnce()
})

it('restarts a link that works when asked, once', () => {
  begin()
  recovery.observe('connected', 'connected')
  recovery.now()
  vi.advanceTimersByTime(120_000)
  expect(restart).toHaveBeenCalledOnce()
  expect(recovery.link).toBe('connected')
})
