import { mount } from '@vue/test-utils'
import { beforeEach, expect, it, vi } from 'vitest'
import { defineComponent } from 'vue'
import { Showing } from '@/call/showing'
import { peerView, roomView } from '@/components/componenttest/mounted'
import { createWords } from '@/i18n'
import type { CallContext } from './callFeature'
import { usePicture, type PictureDesk } from './usePicture'

const { shootTrack } = vi.hoisted(() => ({ shootTrack: vi.fn(async (_: unknown, larger: unknown[]) => ({ larger })) }))
vi.mock('@/media/picture/shoot', () => ({ shootTrack }))

const track = {} as MediaStreamTrack

/** A desk for pictures of a call with so many others, of whom Bo was told that we show so many lines. */
function desk(others: number, lines: number): { desk: PictureDesk; showing: Showing } {
  const showing = new Showing({ channel: () => ({ open: true, send: () => true, drained: () => Promise.resolve(true) }) })
  vi.useFakeTimers()
  showing.view('bo').set(lines)
  vi.advanceTimersByTime(10_000)
  vi.useRealTimers()
  const room = roomView({ peers: Array.from({ length: others }, (_, n) => peerView(`P${n}`)) })
  let made!: PictureDesk
  mount(
    defineComponent({
      setup() {
        made = usePicture({ call: { showing }, room: () => room } as unknown as CallContext)
        return () => null
      },
    }),
    { global: { plugins: [createWords('en')] } },
  )
  return { desk: made, showing }
}

beforeEach(() => shootTrack.mockClear())

it.each([
  ['of one other whose tile is small', 1, 360, [track]],
  ['of one other whose tile is large', 1, 720, []],
  ['of one among five, who is sent as large as anybody is', 4, 420, []],
  ['of one among five whose tile is small', 4, 180, [track]],
])('waits for a larger picture only if one can come: %s', async (_, others, lines, larger) => {
  await desk(others, lines).desk.ofTrack(track, 'Bo', 'bo')
  expect(shootTrack).toHaveBeenCalledExactlyOnceWith(track, larger)
})
