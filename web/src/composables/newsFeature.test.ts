import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { defineComponent, nextTick, shallowRef } from 'vue'
import { peerView, roomView } from '@/components/componenttest/mounted'
import { createWords } from '@/i18n'
import type { CallContext, CallFeature } from './callFeature'
import { newsFeature } from './newsFeature'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('shows who came and who left, for a while, the last few of a crowd', async () => {
  const room = shallowRef(roomView({ peers: [peerView('Bo')] }))
  let feature: CallFeature = {}
  const view = mount(
    defineComponent({
      setup() {
        feature = newsFeature({ room: () => room.value } as CallContext)
        return () => null
      },
    }),
    { global: { plugins: [createWords('en')] } },
  )
  const shown = () => (feature.overlay?.props?.().news as { text: string }[]).map(({ text }) => text)

  room.value = roomView({ peers: [peerView('Lin')] })
  await nextTick()
  expect(shown()).toEqual(['Lin joined', 'Bo left'])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(shown()).toEqual([])

  room.value = roomView({ peers: ['a', 'b', 'c', 'd'].map((name) => peerView(name)) })
  await nextTick()
  expect(shown()).toHaveLength(3)
  view.unmount()
  expect(vi.getTimerCount()).toBe(0)
})
