import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, nextTick, shallowRef, type ShallowRef } from 'vue'
import { peerView, roomView } from '@/components/componenttest/mounted'
import type { CurrentCall, RingingSnapshot } from '@/call/ringing/state'
import type { RoomSnapshot } from '@/call/state'
import { createWords } from '@/i18n'
import { useRungCall } from './useRungCall'

const fake = vi.hoisted(() => ({ session: null as unknown }))
vi.mock('./useSession', () => ({
  get session() {
    return fake.session
  },
}))

const CALL: CurrentCall = { call: 'c1', room: 'r1', with: { id: 'bo', name: 'Bo' }, media: 'video', since: 0, over: null }

let calls: ShallowRef<RingingSnapshot>
let room: ShallowRef<RoomSnapshot | null>
let view: ReturnType<typeof mount>
const ringing = { hangUp: vi.fn(() => set(null)), call: vi.fn(), snapshot: () => calls.value }
const empty = vi.fn()

function set(current: CurrentCall | null): void {
  calls.value = { ...calls.value, current }
}

function open(name = 'r1') {
  let rung!: ReturnType<typeof useRungCall>
  view = mount(defineComponent({ setup: () => ((rung = useRungCall(name, room, empty)), () => null) }), { global: { plugins: [createWords('en')] } })
  return rung
}

beforeEach(() => {
  vi.useFakeTimers({ now: 65_000 })
  vi.clearAllMocks()
  calls = shallowRef<RingingSnapshot>({ incoming: [], outgoing: null, current: CALL, engaged: true })
  room = shallowRef<RoomSnapshot | null>(roomView({ room: 'r1', peers: [peerView('Bo')] }))
  fake.session = shallowRef({ calls, ringing })
})
afterEach(() => {
  view.unmount()
  vi.useRealTimers()
})

describe('a room of a call that was rung', () => {
  it('is left once the other side has ended the call and nobody is there, and not before', async () => {
    open()
    set({ ...CALL, over: 'ended' })
    await nextTick()
    expect(empty, 'their media still flows').not.toHaveBeenCalled()
    room.value = roomView({ room: 'r1', peers: [] })
    await nextTick()
    expect(empty).toHaveBeenCalledOnce()
  })

  it('is not left while the other side is on its way into it', async () => {
    room.value = roomView({ room: 'r1', peers: [] })
    open()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(empty).not.toHaveBeenCalled()
  })

  it('waits for the other side when our own session was lost', async () => {
    room.value = roomView({ room: 'r1', peers: [] })
    open()
    set({ ...CALL, over: 'lost' })
    await vi.advanceTimersByTimeAsync(20_000)
    room.value = roomView({ room: 'r1', peers: [peerView('Bo')] })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(empty).not.toHaveBeenCalled()
    room.value = roomView({ room: 'r1', peers: [] })
    await vi.advanceTimersByTimeAsync(31_000)
    expect(empty).toHaveBeenCalledOnce()
  })

  it('hangs up once, says how long it lasted, and knows whom to call again', () => {
    const rung = open()
    rung.hangUp()
    rung.hangUp()
    expect(ringing.hangUp).toHaveBeenCalledOnce()
    expect(rung.lasted.value).toBe('1 min 5 sec')
    expect(rung.with.value?.name).toBe('Bo')
    rung.callAgain()
    expect(ringing.call).toHaveBeenCalledWith(CALL.with, 'video')
  })

  it('is none of another call’s', () => {
    const rung = open('another room')
    expect(rung.with.value).toBeNull()
    rung.hangUp()
    expect(ringing.hangUp).not.toHaveBeenCalled()
  })
})
