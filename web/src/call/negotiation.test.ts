// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeConnection } from './calltest/fakeConnection'
import { World } from './calltest/world'
import type { Body, DescriptionMessage } from './messages'
import { Negotiation } from './negotiation'
import { SlotTransceivers } from './slots'
import { SLOTS } from './state'

const SLOTS_SDP = ['m=audio', 'm=video', 'm=video', 'm=audio']

function offer(seq: number, ufrag: string, media = SLOTS_SDP): DescriptionMessage {
  return { type: 'description', seq, description: { type: 'offer', sdp: [`a=ice-ufrag:${ufrag}`, ...media].join('\r\n') } }
}

function answer(seq: number, ufrag: string): DescriptionMessage {
  return { ...offer(seq, ufrag), description: { ...offer(seq, ufrag).description, type: 'answer' } }
}

const candidate = (ufrag: string, n = 0) => ({ candidate: `candidate:${n} of ${ufrag}`, usernameFragment: ufrag, sdpMid: '0' })

/** One side, with the other played by the test. */
class Side {
  readonly world = new World(1)
  readonly pc = new FakeConnection(this.world)
  readonly slots = new SlotTransceivers(this.pc as unknown as RTCPeerConnection)
  readonly sent: Body[] = []
  readonly failed = vi.fn()
  readonly negotiation: Negotiation

  constructor(polite: boolean) {
    this.negotiation = new Negotiation({
      pc: this.pc as unknown as RTCPeerConnection,
      slots: this.slots,
      offers: SLOTS,
      polite,
      send: (body) => this.sent.push(body),
      failed: this.failed,
    })
  }

  /** Takes a message to the end. */
  async take(message: Parameters<Negotiation['handle']>[0]): Promise<void> {
    let done = false
    const handled = this.negotiation.handle(message).finally(() => (done = true))
    while (!done) await this.world.settle()
    await this.world.settle()
    await handled
  }

  descriptions(): string[] {
    return this.sent.flatMap((body) => (body.type === 'description' ? [`${body.description.type} ${body.seq}`] : []))
  }
}

let side: Side
beforeEach(() => vi.stubGlobal('MediaStream', class {}))
afterEach(() => {
  side.negotiation.close()
  vi.unstubAllGlobals()
})

describe('the polite side', () => {
  beforeEach(() => (side = new Side(true)))

  it('offers nothing of its own accord', async () => {
    side.pc.onnegotiationneeded?.()
    await side.world.settle()
    expect(side.sent).toEqual([])
  })

  it('takes over the slots of the first offer, and answers', async () => {
    await side.take(offer(1, 'them1'))
    expect(side.descriptions()).toEqual(['answer 1'])
    expect(side.slots.mids()).toEqual({ microphone: '0', camera: '1', screen: '2', screenSound: '3' })
    expect(side.pc.getTransceivers().map((t) => t.direction)).toEqual(['sendrecv', 'sendrecv', 'sendrecv', 'sendrecv'])
  })

  it('takes the three slots of an older page, then offers the channel that it did not', async () => {
    side.pc.createDataChannel()
    await side.world.settle()
    expect(side.sent).toEqual([])
    await side.take(offer(1, 'them1', SLOTS_SDP.slice(0, 3)))
    expect(side.slots.mids()).toEqual({ microphone: '0', camera: '1', screen: '2' })
    expect(side.slots.receiver('screenSound')).toBeNull()
    side.slots.setTrack('screenSound', { id: 'sound' } as MediaStreamTrack)
    expect(side.descriptions()).toEqual(['answer 1', 'offer 1'])
    const last = side.sent.findLast((body) => body.type === 'description')
    expect(last?.description.sdp).toContain('m=application')
    expect(side.failed).not.toHaveBeenCalled()
  })

  it('answers an offer with a channel, and has no more to negotiate', async () => {
    side.pc.createDataChannel()
    await side.take(offer(1, 'them1', [...SLOTS_SDP, 'm=application']))
    expect(side.descriptions()).toEqual(['answer 1'])
  })

  it('refuses an offer with other slots', async () => {
    await side.take(offer(1, 'them1', ['m=audio']))
    expect(side.failed).toHaveBeenCalledOnce()
    expect(side.descriptions()).toEqual([])
  })

  it('keeps candidates that come before the offer, and drops those of no description', async () => {
    await side.take({ type: 'candidates', candidates: [candidate('them1'), candidate('stale')] })
    expect(side.pc.added).toEqual([])
    await side.take(offer(1, 'them1'))
    await side.take({ type: 'candidates', candidates: [candidate('them1', 1), candidate('other', 1)] })
    expect(side.pc.added.map((c) => c.candidate)).toEqual(['candidate:0 of them1', 'candidate:1 of them1'])
  })

  it('keeps a bounded number of them', async () => {
    for (let i = 0; i < 40; i++) {
      await side.take({ type: 'candidates', candidates: Array.from({ length: 10 }, (_, n) => candidate('them1', i * 10 + n)) })
    }
    await side.take(offer(1, 'them1'))
    expect(side.pc.added).toHaveLength(256)
  })

  it('takes its own offer back for one that collides, and keeps the slots', async () => {
    await side.take(offer(1, 'them1'))
    const mids = side.slots.mids()
    side.negotiation.restart()
    await side.world.settle()
    expect(side.descriptions()).toEqual(['answer 1', 'offer 1'])
    expect(side.pc.signalingState).toBe('have-local-offer')
    await side.take(offer(2, 'them2'))
    expect(side.pc.rollbacks).toBe(1)
    expect(side.descriptions().slice(2)).toEqual(['answer 2'])
    expect(side.slots.mids()).toEqual(mids)
    expect(side.pc.getTransceivers()).toHaveLength(4)
  })

  it('offers its restart again if the colliding offer did not fulfil it', async () => {
    await side.take(offer(1, 'them1'))
    side.negotiation.restart()
    await side.world.settle()
    // The same credentials: the other side renegotiates without a restart.
    await side.take(offer(2, 'them1'))
    expect(side.descriptions().slice(2)).toEqual(['answer 2', 'offer 2'])
    await side.take(answer(2, 'them2'))
    expect(side.pc.signalingState).toBe('stable')
  })

  it('answers a repeated offer with the same answer, and no other', async () => {
    await side.take(offer(1, 'them1'))
    await side.take(offer(1, 'them1'))
    expect(side.descriptions()).toEqual(['answer 1', 'answer 1'])
    await side.take(offer(2, 'them2'))
    await side.take(offer(1, 'them1'))
    expect(side.descriptions().slice(2)).toEqual(['answer 2'])
    expect(side.pc.ends().remote).toBe('them2')
  })

  it('takes its own offer back for the repeat of one whose answer was lost, answers that again, and then offers anew', async () => {
    await side.take(offer(1, 'them1'))
    side.negotiation.restart()
    await side.world.settle()
    await side.take(offer(1, 'them1'))
    expect(side.pc.rollbacks).toBe(1)
    expect(side.descriptions()).toEqual(['answer 1', 'offer 1', 'answer 1', 'offer 2'])
    await side.take(answer(2, 'them2'))
    expect(side.pc.signalingState).toBe('stable')
    expect(side.pc.ends().remote).toBe('them2')
  })

  it('says that it is there when it should restart and has nothing to restart', async () => {
    side.negotiation.restart()
    expect(side.sent).toEqual([{ type: 'ready' }])
  })
})

it('takes nothing any more after its end, which settles what was under way', async () => {
  side = new Side(true)
  const asked = vi.spyOn(side.pc, 'setRemoteDescription')
  const handled = side.negotiation.handle(offer(1, 'them1'))
  side.pc.close()
  side.negotiation.close()
  await handled
  await side.negotiation.handle(offer(2, 'them2'))
  expect(asked).toHaveBeenCalledOnce()
  expect(side.sent).toEqual([])
  expect(side.failed).not.toHaveBeenCalled()
})

describe('the impolite side', () => {
  beforeEach(async () => {
    side = new Side(false)
    await side.world.settle()
  })

  it('makes the slots and the first offer', () => {
    expect(side.descriptions()).toEqual(['offer 1'])
    expect(side.slots.mids()).toEqual({ microphone: '0', camera: '1', screen: '2', screenSound: '3' })
  })

  it('ignores an offer that collides, with its candidates, and takes the answer', async () => {
    await side.take(answer(1, 'them1'))
    side.negotiation.restart()
    await side.world.settle()
    await side.take(offer(1, 'ignored'))
    await side.take({ type: 'candidates', candidates: [candidate('ignored')] })
    expect(side.pc.signalingState).toBe('have-local-offer')
    expect(side.pc.rollbacks).toBe(0)
    await side.take(answer(2, 'them2'))
    await side.take({ type: 'candidates', candidates: [candidate('them2')] })
    expect(side.pc.ends().remote).toBe('them2')
    expect(side.pc.added.map((c) => c.usernameFragment)).toEqual(['them2'])
    expect(side.failed).not.toHaveBeenCalled()
  })

  it('ignores an offer that comes while it is making its own', async () => {
    await side.take(answer(1, 'them1'))
    side.pc.restartIce()
    // The event that negotiation is needed; setLocalDescription is then under way, and the state still says stable.
    await side.world.step()
    expect(side.pc.signalingState).toBe('stable')
    await side.take(offer(1, 'ignored'))
    expect(side.descriptions()).toEqual(['offer 1', 'offer 2'])
    expect(side.pc.signalingState).toBe('have-local-offer')
    expect(side.pc.rollbacks).toBe(0)
  })

  it('takes an offer that does not collide', async () => {
    await side.take(answer(1, 'them1'))
    await side.take(offer(1, 'them2'))
    expect(side.descriptions()).toEqual(['offer 1', 'answer 1'])
  })

  it('takes no answer twice, and none for an offer that it has not made', async () => {
    await side.take(answer(2, 'early'))
    expect(side.pc.ends().remote).toBeNull()
    await side.take(answer(1, 'them1'))
    await side.take(answer(1, 'again'))
    expect(side.pc.ends().remote).toBe('them1')
    expect(side.failed).not.toHaveBeenCalled()
  })

  it('repeats an offer that has no answer, with the candidates found since', async () => {
    side.negotiation.repeat()
    const last = side.sent.at(-1)
    expect(side.descriptions()).toEqual(['offer 1', 'offer 1'])
    expect(last?.type === 'description' && last.description.sdp).toContain('a=candidate:1 of')
    await side.take(answer(1, 'them1'))
    side.negotiation.repeat()
    expect(side.descriptions()).toHaveLength(2)
  })

  it('is silent after its end', async () => {
    await side.take(answer(1, 'them1'))
    side.pc.restartIce()
    await side.world.step()
    const before = side.sent.length
    side.negotiation.close()
    await side.world.settle()
    expect(side.sent).toHaveLength(before)
  })
})
