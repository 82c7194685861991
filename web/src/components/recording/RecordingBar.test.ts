import { afterEach, describe, expect, it } from 'vitest'
import { announced } from '@/composables/announcer'
import type { RecorderView } from '@/media/record/recorder'
import { mounted } from '../componenttest/mounted'
import RecordingBar from './RecordingBar.vue'

let bar: ReturnType<typeof mounted>
const view = (more: Partial<RecorderView> = {}): RecorderView => ({ state: 'recording', elapsedMs: 75_400, bytes: 2_340_000, trouble: null, ...more })
const byTestId = (id: string) => bar.get(`[data-testid="${id}"]`)

afterEach(() => bar.unmount())

describe('the bar of a recording', () => {
  it('shows how long and how large it is', () => {
    bar = mounted(RecordingBar, { view: view() })
    expect(byTestId('recording-time').text()).toBe('1:15')
    expect(byTestId('recording-size').text()).toBe('2.3 MB')
  })

  it('pauses, goes on and stops, and says so', async () => {
    bar = mounted(RecordingBar, { view: view() })
    await byTestId('recording-pause').trigger('click')
    expect(announced.value).toBe('Recording paused')
    await bar.setProps({ view: view({ state: 'paused' }) })
    expect(bar.text()).toContain('Paused')
    expect(byTestId('recording-pause').attributes('aria-label')).toBe('Go on recording')
    await byTestId('recording-pause').trigger('click')
    expect(announced.value).toBe('Recording goes on')
    await byTestId('recording-stop').trigger('click')
    expect(Object.keys(bar.emitted()).filter((name) => name !== 'click')).toEqual(['pause', 'resume', 'stop'])
  })

  it('cannot be used before it records, or while it stops', async () => {
    bar = mounted(RecordingBar, { view: null }, { language: 'zh' })
    expect(bar.text()).toContain('正在开始录制')
    for (const state of ['stopping', 'stopped'] as const) {
      expect(byTestId('recording-stop').attributes('disabled')).toBeDefined()
      await bar.setProps({ view: view({ state }) })
    }
    expect(byTestId('recording-pause').attributes('disabled')).toBeDefined()
  })
})
