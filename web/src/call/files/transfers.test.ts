// @vitest-environment node
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ChannelPair } from '../calltest/channelPair'
import { PeerChannel } from '../channel'
import { encodeFile, freshTransfer, MAX_SIZE } from './frames'
import type { FileStore, Sink } from './store'
import { Files } from './transfers'

/** Keeps files in memory, and fails when told. */
class MemoryStore implements FileStore {
  failure: Error | null = null
  dropped = 0
  written: number[] = []
  /** Told how many bytes were written in all. */
  after: (total: number) => void = () => undefined

  create(): Promise<Sink> {
    const blocks: Uint8Array<ArrayBuffer>[] = []
    return Promise.resolve({
      write: async (block) => {
        if (this.failure) throw this.failure
        this.written.push(block.length)
        blocks.push(block)
        this.after(this.written.reduce((sum, n) => sum + n))
      },
      finish: async () => new Blob(blocks),
      drop: async () => void this.dropped++,
    })
  }
}

/** A page with files, and the other one at the end of its channel. */
class Side {
  readonly store = new MemoryStore()
  readonly user: { id: string; name: string }
  there = true
  /** The id under which the other side knows us. */
  peer: string
  other!: Side
  readonly channel: PeerChannel
  readonly files: Files

  constructor(name: string) {
    this.user = { id: `u-${name}`, name }
    this.peer = `p-${name}`
    this.channel = new PeerChannel({
      take: (frame) => this.files.take(this.other.peer, frame),
      changed: () => this.files.channelChanged(this.other.peer),
    })
    this.files = new Files({
      peer: (peer) => (this.there && peer === this.other.peer ? { user: this.other.user, channel: this.channel } : null),
      changed: () => undefined,
      store: this.store,
    })
  }

  get one() {
    return this.files.snapshot().at(-1)
  }

  states(): string[] {
    return this.files.snapshot().map(({ state }) => state)
  }
}

let ada: Side
let bo: Side
let pair: ChannelPair

const bytes = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * seed) & 255)
const file = (content: Uint8Array<ArrayBuffer>, name = 'a.bin') => new File([content], name, { type: 'application/x-test' })
const sha = async (content: Uint8Array<ArrayBuffer>) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', content))].join()

async function link(): Promise<void> {
  pair = new ChannelPair()
  ada.channel.attach(pair.connection(0))
  bo.channel.attach(pair.connection(1))
  await pair.openBoth()
}

async function received(side: Side): Promise<string> {
  const blob = side.files.content(side.one!.id)
  return sha(new Uint8Array(await blob!.arrayBuffer()))
}

beforeEach(async () => {
  ada = new Side('Ada')
  bo = new Side('Bo')
  ada.other = bo
  bo.other = ada
  await link()
})

describe('a file', () => {
  it('is offered, taken and right to the last byte, and is never opened by a browser', async () => {
    const content = bytes(700_001)
    ada.files.offer(file(content, 'pictures/holiday.png'), [bo.peer])
    await pair.settle()
    expect(bo.one).toMatchObject({ name: 'holiday.png', size: 700_001, type: 'application/x-test', state: 'asked', mine: false, user: ada.user })
    expect(bo.store.written).toEqual([])
    bo.files.accept(bo.one!.id)
    await vi.waitFor(() => expect([ada.one?.state, bo.one?.state]).toEqual(['done', 'done']))
    expect(await received(bo)).toBe(await sha(content))
    expect(bo.files.content(bo.one!.id)?.type).toBe('application/octet-stream')
    expect(bo.store.written).toEqual([262_144, 262_144, 175_713])
    expect(ada.one).toMatchObject({ mine: true, stored: 700_001, user: bo.user })
  })

  it.each(['mine', 'theirs'] as const)('stays cancelled when it was cancelled (%s) while it was being checked', async (whose) => {
    let finish = () => {}
    const asked = new Promise<void>((resolve) => {
      vi.spyOn(bo.store, 'create').mockResolvedValue({
        write: () => Promise.resolve(),
        finish: () => (resolve(), new Promise((given) => (finish = () => given(new Blob([bytes(300)]))))),
        drop: async () => void bo.store.dropped++,
      })
    })
    ada.files.offer(file(bytes(300)), [bo.peer])
    await pair.settle()
    const { id } = bo.one!
    bo.files.accept(id)
    await asked
    expect(bo.one?.state).toBe('checking')
    if (whose === 'mine') bo.files.cancel(id)
    else ada.files.cancel(ada.one!.id)
    await pair.settle()
    finish()
    await pair.settle()
    expect([ada.one?.state, bo.one?.state]).toEqual(['cancelled', 'cancelled'])
    expect(bo.files.content(id)).toBeNull()
    expect(bo.store.dropped).toBeGreaterThan(0)
  })

  it('is not read over and over for whoever asks for its end over and over', async () => {
    const blocks = 40
    const source = file(new Uint8Array(blocks * 262_144))
    const read = vi.spyOn(source, 'slice')
    ada.files.offer(source, [bo.peer])
    await pair.settle()
    const { id } = ada.one!
    for (let i = 0; i < 50; i++) ada.files.take(bo.peer, encodeFile({ id, kind: 'take', position: source.size }))
    await vi.waitFor(() => expect(ada.one?.state).toBe('checking'), { timeout: 20_000 })
    expect(read.mock.calls.length).toBeLessThan(blocks * 3 + 50)
  }, 30_000)

  it('is not read at once as often as somebody asks for its beginning', async () => {
    const source = file(bytes(700_001))
    let most = 0
    let reading = 0
    const slice = source.slice.bind(source)
    vi.spyOn(source, 'slice').mockImplementation((...range) => {
      const part = slice(...range)
      const read = part.arrayBuffer.bind(part)
      part.arrayBuffer = async () => {
        most = Math.max(most, ++reading)
        return read().finally(() => reading--)
      }
      return part
    })
    ada.files.offer(source, [bo.peer])
    await pair.settle()
    const { id } = ada.one!
    for (let i = 0; i < 200; i++) ada.files.take(bo.peer, encodeFile({ id, kind: 'take', position: 0 }))
    await vi.waitFor(() => expect(ada.one?.state).toBe('checking'), { timeout: 20_000 })
    expect(most).toBe(1)
  }, 30_000)

  it('may be empty', async () => {
    ada.files.offer(file(bytes(0)), [bo.peer])
    await pair.settle()
    bo.files.accept(bo.one!.id)
    await vi.waitFor(() => expect([ada.one?.state, bo.one?.state]).toEqual(['done', 'done']))
    expect(await received(bo)).toBe(await sha(bytes(0)))
  })

  it('goes on where it was when the channel breaks, again and again', async () => {
    const content = bytes(5_000_000)
    ada.files.offer(file(content), [bo.peer])
    await pair.settle()
    bo.files.accept(bo.one!.id)
    const goals = [600_000, 2_000_000, 4_000_000]
    const seen: unknown[] = []
    bo.store.after = (total) => {
      if (total < (goals[0] ?? Infinity)) return
      goals.shift()
      pair.close()
      seen.push(ada.one?.state, bo.one?.state)
      setTimeout(() => void link())
    }
    await vi.waitFor(() => expect([ada.one?.state, bo.one?.state]).toEqual(['done', 'done']))
    expect(await received(bo)).toBe(await sha(content))
    expect(seen).toEqual(new Array(6).fill('waiting'))
    // Nothing was stored twice.
    expect(bo.store.written.reduce((sum, n) => sum + n)).toBe(5_000_000)
  })

  it('goes on with a new session of the user, once the old one has gone', async () => {
    const content = bytes(3_000_000)
    ada.files.offer(file(content), [bo.peer])
    await pair.settle()
    bo.files.accept(bo.one!.id)
    bo.store.after = (total) => {
      if (total < 500_000) return
      bo.store.after = () => undefined
      pair.close()
      bo.peer = 'p-Bo-2'
      ada.peer = 'p-Ada-2'
      setTimeout(() => void link())
    }
    await vi.waitFor(() => expect([ada.one?.state, bo.one?.state]).toEqual(['done', 'done']))
    expect(await received(bo)).toBe(await sha(content))
  })

  it('waits for a channel, and can be accepted meanwhile', async () => {
    pair.close()
    ada.files.offer(file(bytes(10)), [bo.peer])
    expect(ada.one?.state).toBe('waiting')
    await link()
    expect(bo.one?.state).toBe('asked')
    pair.close()
    bo.files.accept(bo.one!.id)
    await link()
    await vi.waitFor(() => expect([ada.one?.state, bo.one?.state]).toEqual(['done', 'done']))
  })

  it('goes both ways at once', async () => {
    const [hers, his] = [bytes(1_500_000, 3), bytes(1_700_000, 5)]
    ada.files.offer(file(hers), [bo.peer])
    bo.files.offer(file(his), [ada.peer])
    await pair.settle()
    for (const side of [ada, bo]) side.files.accept(side.one!.id)
    for (const side of [ada, bo]) side.files.snapshot().forEach(({ id, mine }) => mine || side.files.accept(id))
    await vi.waitFor(() => expect([...ada.states(), ...bo.states()]).toEqual(['done', 'done', 'done', 'done']))
    const content = async (side: Side) => {
      const { id } = side.files.snapshot().find(({ mine }) => !mine)!
      return sha(new Uint8Array(await side.files.content(id)!.arrayBuffer()))
    }
    expect([await content(bo), await content(ada)]).toEqual([await sha(hers), await sha(his)])
  })

  it('can be declined, and cancelled by either side, also while they do not hear each other', async () => {
    for (let i = 0; i < 4; i++) ada.files.offer(file(bytes(900_000), `${i}`), [bo.peer])
    await pair.settle()
    const [a, b, c, d] = bo.files.snapshot().map(({ id }) => id)
    const [, , ours] = ada.files.snapshot().map(({ id }) => id)
    bo.files.decline(a!)
    bo.files.accept(b!)
    bo.files.cancel(b!)
    await pair.settle()
    pair.close()
    ada.files.cancel(ours!)
    bo.files.decline(d!)
    await link()
    expect(ada.states()).toEqual(['declined', 'cancelled', 'cancelled', 'declined'])
    expect(bo.states()).toEqual(['declined', 'cancelled', 'cancelled', 'declined'])
    bo.files.accept(c!)
    expect(bo.states()[2]).toBe('cancelled')
    expect(bo.files.content(b!)).toBeNull()
  })
})

describe('what goes wrong', () => {
  it('is told: no room, a broken disk, a file that changed', async () => {
    for (const [failure, stop] of [[new DOMException('', 'QuotaExceededError'), 'space'], [new Error('disk'), 'storage']] as const) {
      bo.store.failure = failure
      ada.files.offer(file(bytes(300_000)), [bo.peer])
      await pair.settle()
      bo.files.accept(bo.one!.id)
      await vi.waitFor(() => expect(ada.one).toMatchObject({ state: 'failed', stop }))
      expect(bo.one).toMatchObject({ state: 'failed', stop })
    }
    bo.store.failure = null
    const gone = { name: 'x', size: 10, type: '', slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException('', 'NotReadableError')) }) }
    ada.files.offer(gone as unknown as File, [bo.peer])
    await pair.settle()
    bo.files.accept(bo.one!.id)
    await vi.waitFor(() => expect(bo.one).toMatchObject({ state: 'failed', stop: 'unreadable' }))
    expect(bo.store.dropped).toBeGreaterThan(0)
  })

  it('is noticed by the hash', async () => {
    const content = bytes(100)
    const id = freshTransfer()
    bo.files.take(ada.peer, encodeFile({ id, kind: 'offer', offer: { name: 'x', size: 100, type: '' } }))
    bo.files.accept(bo.one!.id)
    await vi.waitFor(() => expect(bo.one?.state).toBe('moving'))
    bo.files.take(ada.peer, encodeFile({ id, kind: 'data', position: 0, bytes: content }))
    bo.files.take(ada.peer, encodeFile({ id, kind: 'end', hash: new Uint8Array(32) }))
    await vi.waitFor(() => expect(bo.one).toMatchObject({ state: 'failed', stop: 'damaged' }))
    expect(bo.files.content(bo.one!.id)).toBeNull()
  })

  it('is ended when a stranger sends more than was offered, out of place, or faster than is stored', async () => {
    const begin = async (size: number) => {
      const id = freshTransfer()
      bo.files.take(ada.peer, encodeFile({ id, kind: 'offer', offer: { name: 'x', size, type: '' } }))
      bo.files.accept(bo.one!.id)
      await vi.waitFor(() => expect(bo.one?.state).toBe('moving'))
      return id
    }
    let id = await begin(10)
    bo.files.take(ada.peer, encodeFile({ id, kind: 'data', position: 0, bytes: bytes(11) }))
    expect(bo.one).toMatchObject({ state: 'failed', stop: 'protocol' })
    id = await begin(100)
    bo.files.take(ada.peer, encodeFile({ id, kind: 'data', position: 50, bytes: bytes(10) }))
    expect(bo.one).toMatchObject({ state: 'failed', stop: 'protocol' })
    id = await begin(1_000_000_000)
    for (let at = 0; at < 4_000_000; at += 32_768) bo.files.take(ada.peer, encodeFile({ id, kind: 'data', position: at, bytes: bytes(32_768) }))
    expect(bo.one).toMatchObject({ state: 'failed', stop: 'protocol' })
  })

  it('does not fill the page: offers of one stranger are bounded', async () => {
    for (let i = 0; i < 40; i++) bo.files.take(ada.peer, encodeFile({ id: freshTransfer(), kind: 'offer', offer: { name: `${i}`, size: 1, type: '' } }))
    expect(bo.states()).toHaveLength(16)
    expect(() => ada.files.offer({ name: 'x', size: MAX_SIZE + 1, type: '', slice: () => new Blob() }, [bo.peer])).toThrow(RangeError)
  })

  it('of another peer changes nothing', async () => {
    ada.files.offer(file(bytes(1_000_000)), [bo.peer])
    await pair.settle()
    const { id } = ada.one!
    ada.files.take('p-Mallory', encodeFile({ id, kind: 'done' }))
    expect(ada.one?.state).toBe('asked')
  })
})

describe('leaving', () => {
  it('tells the others that nothing more will come, and forgets what was not saved', async () => {
    ada.files.offer(file(bytes(10)), [bo.peer])
    await pair.settle()
    bo.files.accept(bo.one!.id)
    await vi.waitFor(() => expect(bo.one?.state).toBe('done'))
    ada.files.offer(file(bytes(900_000)), [bo.peer])
    await pair.settle()
    bo.files.close()
    await pair.settle()
    expect(ada.states()).toEqual(['done', 'cancelled'])
    await vi.waitFor(() => expect(bo.store.dropped).toBe(1))
    expect(bo.states()).toEqual([])
  })
})
