import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref, shallowRef } from 'vue'
import { devicesView, roomView } from '@/components/componenttest/mounted'
import { useNotices } from './useNotices'

describe('notices over time', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  function start(devices = devicesView()) {
    const scope = effectScope()
    const room = shallowRef(roomView())
    const media = shallowRef(devices)
    const { notices, dismiss } = scope.run(() =>
      useNotices({ room: () => room.value, devices: () => media.value, soundBlocked: ref(false) }),
    )!
    return { room, media, dismiss, ids: () => notices.value.map((notice) => notice.id), end: () => scope.stop() }
  }

  it('say that the line is away once it has been so for a moment, and for a while that all is well again', async () => {
    const { room, ids, end } = start()
    room.value = roomView({ signal: 'reconnecting' })
    await nextTick()
    expect(ids()).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(ids()).toEqual(['reconnecting'])
    room.value = roomView()
    await nextTick()
    expect(ids()).toEqual(['recovered'])
    vi.advanceTimersByTime(4_000)
    expect(ids()).toEqual([])
    end()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keep still about what nobody noticed', async () => {
    const { room, ids, end } = start()
    for (const signal of ['reconnecting', 'open'] as const) {
      room.value = roomView({ signal })
      await nextTick()
      vi.advanceTimersByTime(900)
      expect(ids()).toEqual([])
    }
    vi.advanceTimersByTime(5_000)
    expect(ids()).toEqual([])
    end()
  })

  it('say that one is another guest now, until that was read', async () => {
    const { room, ids, dismiss, end } = start()
    const { self } = room.value
    room.value = roomView({ self: null })
    await nextTick()
    room.value = roomView({ self: { ...self!, peer: 'new', edge: 'e2' } })
    await nextTick()
    expect(ids()).toEqual([])
    room.value = roomView({ self: { ...self!, user: { id: 'u-new', name: 'Sam' } } })
    await nextTick()
    expect(ids()).toEqual(['new-guest'])
    dismiss('new-guest')
    expect(ids()).toEqual([])
    end()
  })

  it('are not told twice: what the lobby told is left out, until it comes anew', async () => {
    const denied = devicesView({ camera: { problem: 'denied' } })
    const { media, ids, dismiss, end } = start(denied)
    expect(ids()).toEqual([])
    media.value = devicesView()
    await nextTick()
    media.value = denied
    await nextTick()
    expect(ids()).toEqual(['device-denied.camera'])
    dismiss('device-denied.camera')
    expect(ids()).toEqual([])
    end()
  })

  it('tell that a screen could not be shared', async () => {
    const { media, ids, end } = start()
    media.value = devicesView({ screen: { problem: 'denied_by_system' } })
    await nextTick()
    expect(ids()).toEqual(['screen'])
    end()
  })
})
