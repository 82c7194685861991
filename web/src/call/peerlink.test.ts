// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeConnection } from './calltest/fakeConnection'
import { flush, World } from './calltest/world'
import type { LinkMessage } from './messages'
import { parseMessage } from './messages'
import { PeerLink } from './peerlink'
import { SLOTS } from './state'

/** Two peers in one world, whose messages arrive whole and in order, at times drawn by chance. */
class Pair {
  readonly world: World
  polite: PeerLink
  impolite: PeerLink
  readonly log: { polite: boolean; message: LinkMessage }[] = []
  readonly made: FakeConnection[] = []

  constructor(seed: number) {
    this.world = new World(seed)
    this.polite = this.make(true)
    this.impolite = this.make(false)
  }

  /** As when this side saw the other leave and come back, or left and came back itself. */
  renew(polite: boolean): void {
    const side = polite ? 'polite' : 'impolite'
    this[side].close()
    this[side] = this.make(polite)
  }

  pc(polite: boolean): FakeConnection {
    return this[polite ? 'polite' : 'impolite'].connection as unknown as FakeConnection
  }

  expectAgreement(): void {
    const [a, b] = [this.pc(true), this.pc(false)]
    expect([a.signalingState, b.signalingState]).toEqual(['stable', 'stable'])
    expect(a.ends().local).not.toBeNull()
    expect(a.ends()).toEqual({ local: b.ends().remote, remote: b.ends().local })
    for (const pc of [a, b]) {
      expect(pc.getTransceivers().map((t) => [t.mid, t.receiver.track.kind, t.direction])).toEqual([
        ['0', 'audio', 'sendrecv'],
        ['1', 'video', 'sendrecv'],
        ['2', 'video', 'sendrecv'],
        ['3', 'audio', 'sendrecv'],
      ])
    }
    // Every candidate of the generation in use has arrived, and none of another was tried in vain.
    const arrived = (pc: FakeConnection) => pc.added.filter((c) => c.usernameFragment === pc.ends().remote).length
    expect([arrived(a), arrived(b)]).toEqual([2, 2])
  }

  close(): void {
    this.polite.close()
    this.impolite.close()
  }

  private make(polite: boolean): PeerLink {
    return new PeerLink({
      polite,
      signalUp: true,
      offers: SLOTS,
      channel: { take: () => undefined, changed: () => undefined },
      connect: () => {
        const pc = new FakeConnection(this.world)
        this.made.push(pc)
        return pc as unknown as RTCPeerConnection
      },
      send: (message) => {
        this.log.push({ polite, message })
        const data: unknown = JSON.parse(JSON.stringify(message))
        this.world.later(polite ? 'to impolite' : 'to polite', () => {
          const parsed = parseMessage(data)
          if (parsed) void this[polite ? 'impolite' : 'polite'].handle(parsed)
        })
      },
      forget: () => undefined,
      changed: () => undefined,
    })
  }
}

describe('two links', () => {
  let pair: Pair
  const begin = (seed: number) => (pair = new Pair(seed))

  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('MediaStream', class {})
  })
  afterEach(() => {
    pair.close()
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('agree on four slots whatever order things happen in', async () => {
    for (let seed = 0; seed < 200; seed++) {
      begin(seed)
      await pair.world.settle()
      pair.expectAgreement()
      expect(pair.made).toHaveLength(2)
      pair.close()
    }
  })

  it('exchange one offer and one answer when nothing is wrong', async () => {
    begin(1)
    await pair.world.settle()
    const descriptions = pair.log.flatMap(({ polite, message }) =>
      message.type === 'description' ? [[polite ? 'polite' : 'impolite', message.description.type]] : [],
    )
    // The polite side's "ready" may make the impolite one repeat its offer, and the answer is repeated with it; no more than that.
    expect(descriptions.slice(0, 2)).toEqual([['impolite', 'offer'], ['polite', 'answer']])
    expect(descriptions.length).toBeLessThanOrEqual(4)
  })

  it('resolve offers that collide, by rollback on the polite side alone', async () => {
    let collisions = 0
    for (let seed = 0; seed < 300; seed++) {
      begin(seed)
      await pair.world.settle()
      const before = [pair.pc(true).ends().local, pair.pc(false).ends().local]
      pair.polite.restart()
      pair.impolite.restart()
      await pair.world.settle()
      pair.expectAgreement()
      collisions += pair.pc(true).rollbacks
      expect(pair.pc(false).rollbacks).toBe(0)
      expect(pair.pc(true).ends().local).not.toBe(before[0])
      expect(pair.pc(false).ends().local).not.toBe(before[1])
      expect(pair.made).toHaveLength(2)
      pair.close()
    }
    expect(collisions).toBeGreaterThan(20)
  })

  it('agree again though restarts and new links are thrown in anywhere', async () => {
    for (let seed = 0; seed < 600; seed++) {
      begin(seed)
      const { world } = pair
      for (let act = 0; act < 5; act++) {
        for (let steps = Math.floor(world.random() * 12); steps > 0; steps--) await world.step()
        const polite = world.random() < 0.5
        const what = world.random()
        if (what < 0.5) pair.pc(polite).restartIce()
        else if (what < 0.75) pair.renew(polite)
        else if (what < 0.9) {
          pair.renew(true)
          pair.renew(false)
        } else pair[polite ? 'polite' : 'impolite'].restart()
      }
      await world.settle()
      pair.expectAgreement()
      pair.close()
    }
  })

  it('send what they were told to, in the slot it was for, on both sides and on a new link', async () => {
    begin(7)
    const track = (id: string) => ({ id }) as MediaStreamTrack
    pair.polite.setTrack('camera', track('early'))
    await pair.world.settle()
    pair.impolite.setTrack('screen', track('later'))
    await flush()
    const sent = (polite: boolean) => pair.pc(polite).getTransceivers().map((t) => t.sender.track?.id ?? null)
    expect(sent(true)).toEqual([null, 'early', null, null])
    expect(sent(false)).toEqual([null, null, 'later', null])
    expect(SLOTS).toEqual(['microphone', 'camera', 'screen', 'screenSound'])
    pair.renew(false)
    pair.impolite.setTrack('screen', track('later'))
    await pair.world.settle()
    expect(sent(true)).toEqual([null, 'early', null, null])
    expect(sent(false)).toEqual([null, null, 'later', null])
    pair.impolite.setTrack('screen', null)
    await pair.world.settle()
    expect(sent(false)).toEqual([null, null, null, null])
  })

  it('begin anew a while after an offer that cannot be taken', async () => {
    begin(3)
    await pair.world.settle()
    pair.renew(true)
    const bad = pair.pc(true)
    const later = 1e9
    await Promise.all([
      pair.polite.handle({ type: 'description', link: later, for: null, seq: 1, description: { type: 'offer', sdp: 'a=ice-ufrag:x\r\nm=audio' } }),
      pair.world.settle(),
    ])
    expect(pair.pc(true)).toBe(bad)
    vi.advanceTimersByTime(5_000)
    expect(pair.pc(true)).not.toBe(bad)
    expect(bad.signalingState).toBe('closed')
  })
})
