// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ChannelPair } from './calltest/channelPair'
import { MAX_FRAME, PeerChannel } from './channel'

let pair: ChannelPair
let ours: PeerChannel
let theirs: PeerChannel
let heard: number[][]
const changed = vi.fn()

function link(): void {
  pair = new ChannelPair()
  ours.attach(pair.connection(0))
  theirs.attach(pair.connection(1))
}

beforeEach(() => {
  heard = []
  ours = new PeerChannel({ take: () => undefined, changed })
  theirs = new PeerChannel({ take: (frame) => heard.push([...frame]), changed: () => undefined })
  link()
})
afterEach(() => vi.clearAllMocks())

describe('the channel to a peer', () => {
  it('is open once the other side has said hello, and not before', async () => {
    pair.open(0)
    expect(ours.open).toBe(false)
    expect(ours.send(Uint8Array.of(0x10))).toBe(false)
    pair.open(1)
    await pair.settle()
    expect([ours.open, theirs.open]).toEqual([true, true])
    expect(changed).toHaveBeenCalledTimes(1)
    expect(ours.send(Uint8Array.of(0x10, 7))).toBe(true)
    await pair.settle()
    expect(heard).toEqual([[0x10, 7]])
  })

  it('waits while much is on its way, and goes on when there is room', async () => {
    await pair.openBoth()
    pair.hold(0, 2 * 1024 * 1024)
    let drained: boolean | null = null
    void ours.drained().then((room) => (drained = room))
    await pair.settle()
    expect(drained).toBeNull()
    pair.hold(0, 0)
    await pair.settle()
    expect(drained).toBe(true)
  })

  it('tells whoever waits that it has closed', async () => {
    await pair.openBoth()
    pair.hold(0, 2 * 1024 * 1024)
    const drained = ours.drained()
    pair.close()
    expect(await drained).toBe(false)
    expect(ours.open).toBe(false)
    expect(changed).toHaveBeenCalledTimes(2)
  })

  it('is another one with another connection, and hears nothing of the old', async () => {
    await pair.openBoth()
    const old = pair
    link()
    expect(ours.open).toBe(false)
    old.say(0, Uint8Array.of(0x10, 1))
    await pair.openBoth()
    await old.settle()
    expect(ours.open).toBe(true)
    expect(heard).toEqual([])
  })

  it.each([
    ['too much', new Uint8Array(MAX_FRAME + 1)],
    ['nothing', new Uint8Array()],
    ['a text', 'hello'],
  ])('is given up when a stranger sends %s', async (_, data) => {
    await pair.openBoth()
    pair.say(0, data)
    await pair.settle()
    expect(theirs.open).toBe(false)
    expect(heard).toEqual([])
  })

  it('takes nothing before the hello', async () => {
    pair.open(1)
    pair.say(0, Uint8Array.of(0x10, 1))
    await pair.settle()
    expect(heard).toEqual([])
  })
})
