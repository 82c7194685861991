// @vitest-environment node
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { WireError } from '../signal/errors'
import type { LinkMessage } from './messages'
import { Outbox } from './outbox'

interface Sent {
  data: LinkMessage
  key: string
  ok: () => void
  fail: (code: WireError['code']) => Promise<void>
}

let sent: Sent[]
let outbox: Outbox

beforeEach(() => {
  vi.useFakeTimers()
  sent = []
  outbox = new Outbox(
    (data, key) =>
      new Promise<void>((resolve, reject) => {
        const settled = () => vi.advanceTimersByTimeAsync(0).then(() => undefined)
        sent.push({
          data, key,
          ok: resolve,
          fail: (code) => {
            reject(new WireError(code, code))
            return settled()
          },
        })
      }),
    () => 0.5,
  )
})
afterEach(() => {
  outbox.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const settle = () => vi.advanceTimersByTimeAsync(0)
const description = (seq: number): LinkMessage => ({ link: 1, for: null, type: 'description', seq, description: { type: 'offer', sdp: '' } })
const candidates = (...names: string[]): LinkMessage => ({ link: 1, for: null, type: 'candidates', candidates: names.map((candidate) => ({ candidate })) })
const seqs = () => sent.map(({ data }) => (data.type === 'description' ? data.seq : data.type))

it('sends the next when the last was accepted', async () => {
  outbox.push(description(1))
  outbox.push(description(2))
  await settle()
  expect(seqs()).toEqual([1])
  sent[0]?.ok()
  await settle()
  expect(seqs()).toEqual([1, 2])
})

it('sends candidates together that were found meanwhile', async () => {
  outbox.push(description(1))
  for (const name of ['a', 'b', 'c']) outbox.push(candidates(name))
  await settle()
  sent[0]?.ok()
  await settle()
  expect(sent[1]?.data).toEqual(candidates('a', 'b', 'c'))
})

it.each(['unavailable', 'internal', 'rate_limited', 'no_such_peer'] as const)('sends again after %s, with the same key and before anything else', async (code) => {
  outbox.push(description(1))
  outbox.push(description(2))
  await settle()
  await sent[0]?.fail(code)
  expect(seqs()).toEqual([1])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(seqs()).toEqual([1, 1])
  expect(sent[1]?.key).toBe(sent[0]?.key)
  sent[1]?.ok()
  await settle()
  expect(sent[2]?.key).not.toBe(sent[0]?.key)
})

it('gives up what is refused for good, and goes on', async () => {
  outbox.push(description(1))
  outbox.push(description(2))
  await settle()
  await sent[0]?.fail('not_in_room')
  expect(seqs()).toEqual([1, 2])
})

it('sends nothing after its end, not even what it was about to repeat', async () => {
  outbox.push(description(1))
  await settle()
  await sent[0]?.fail('unavailable')
  outbox.close()
  outbox.push(description(2))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(seqs()).toEqual([1])
})
