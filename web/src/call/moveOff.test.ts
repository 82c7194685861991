// @vitest-environment node
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MoveOff } from './moveOff'
import type { PeerLink } from './peerlink'

const OLD = 'turn:old.test:3478?transport=udp'
const NEW = 'turn:new.test:3478?transport=udp'

/** A link as far as it matters, whose own end of the path is such a candidate. */
function link(local: object, state = 'connected') {
  const stats = { local }
  const report = () => new Map<string, object>([
    ['T', { type: 'transport', selectedCandidatePairId: 'P' }],
    ['P', { type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' }],
    ['L', { type: 'local-candidate', ...stats.local }],
    ['R', { type: 'remote-candidate', candidateType: 'relay', url: OLD }],
  ])
  return { stats, state, restart: vi.fn(), connection: { getStats: () => Promise.resolve(report()) } }
}

function begin(links: ReturnType<typeof link>[], random = () => 0.5): MoveOff {
  const moveOff = new MoveOff({ links: () => links as unknown as PeerLink[], hasLeft: (url) => url === OLD, random })
  moveOff.begin()
  return moveOff
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('moves a link whose own relay has left, not at once, and no other', async () => {
  const over = link({ candidateType: 'relay', url: OLD })
  const others = [link({ candidateType: 'relay', url: NEW }), link({ candidateType: 'host' }), link({ candidateType: 'srflx', url: OLD }), link({ candidateType: 'relay', url: OLD }, 'reconnecting')]
  begin([over, ...others])
  await vi.advanceTimersByTimeAsync(999)
  expect(over.restart).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2)
  expect(over.restart).toHaveBeenCalledOnce()
  over.stats.local = { candidateType: 'relay', url: NEW }
  await vi.advanceTimersByTimeAsync(300_000)
  expect(over.restart).toHaveBeenCalledOnce()
  for (const other of others) expect(other.restart).not.toHaveBeenCalled()
})

it('tries again where it came to nothing, a few times', async () => {
  const stuck = link({ candidateType: 'relay', url: OLD })
  begin([stuck])
  await vi.advanceTimersByTimeAsync(300_000)
  expect(stuck.restart).toHaveBeenCalledTimes(3)
})

it('begins anew with another list, and stops when told', async () => {
  const stuck = link({ candidateType: 'relay', url: OLD })
  const moveOff = begin([stuck], () => 1)
  await vi.advanceTimersByTimeAsync(1_900)
  moveOff.begin()
  await vi.advanceTimersByTimeAsync(1_900)
  expect(stuck.restart).not.toHaveBeenCalled()
  moveOff.stop()
  await vi.advanceTimersByTimeAsync(300_000)
  expect(stuck.restart).not.toHaveBeenCalled()
})
