import { describe, expect, it } from 'vitest'
import type { MediaSnapshot, Problem } from '@/media/devices'
import { deviceTroubles } from './deviceTrouble'

function media(microphone: Problem | null, camera: Problem | null) {
  return { microphone: { problem: microphone }, camera: { problem: camera } } as unknown as MediaSnapshot
}

describe('troubles with devices', () => {
  it('are none when nothing is wrong', () => {
    expect(deviceTroubles(media(null, null), 'chromium')).toEqual([])
  })

  it('are told once when the cause is the same', () => {
    expect(deviceTroubles(media('denied', 'denied'), 'firefox')).toEqual([
      { problem: 'denied', title: 'denied.both', how: 'denied.how.firefox', retry: ['camera', 'microphone'] },
    ])
    expect(deviceTroubles(media('insecure', 'insecure'), 'chromium')).toEqual([
      { problem: 'insecure', title: 'insecure.title', how: 'insecure.how', retry: [] },
    ])
  })

  it('are told apart when they differ', () => {
    expect(deviceTroubles(media('busy', 'missing'), 'safari')).toEqual([
      { problem: 'missing', title: 'absent.camera', how: 'absent.how', retry: ['camera'] },
      { problem: 'busy', title: 'busy.microphone', how: 'busy.how', retry: ['microphone'] },
    ])
  })

  it('explain how to allow in each browser, in other words', () => {
    const families = ['chromium', 'chromiumAndroid', 'firefox', 'safari', 'ios', 'other'] as const
    const hows = families.map((family) => deviceTroubles(media(null, 'denied'), family)[0]!.how)
    expect(new Set(hows).size).toBe(families.length)
  })
})
