import { describe, expect, it } from 'vitest'
import { applyPlan } from './apply'
import { planOf, SOUND_BPS, type Demand, type LinkPlan } from './plan'

const HD = { width: 1280, height: 720, fps: 30 }
const demand = (part: Partial<Demand> = {}): Demand => ({
  peers: 1, camera: HD, screen: null, microphone: true, sharing: false, pixelsPerSecond: 1e9, ...part,
})
const codec = (name: string, sdpFmtpLine?: string): RTCRtpCodecParameters => ({ mimeType: `video/${name}`, clockRate: 90_000, payloadType: 96, ...(sdpFmtpLine && { sdpFmtpLine }) })
const VP8 = codec('VP8')
const VP9 = codec('VP9', 'profile-id=0')
const H264 = codec('H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f')

/** As browsers do it: parameters are copied both ways, and a codec that was not negotiated is refused. */
class FakeSender {
  readonly set: RTCRtpSendParameters[] = []
  private kept: RTCRtpSendParameters
  private readonly knowsCodecs: boolean

  constructor(codecs: RTCRtpCodecParameters[] = [], { encodings = [{}] as RTCRtpEncodingParameters[], knowsCodecs = true } = {}) {
    this.kept = { encodings, codecs } as RTCRtpSendParameters
    this.knowsCodecs = knowsCodecs
  }

  getParameters(): RTCRtpSendParameters {
    return structuredClone(this.kept)
  }

  async setParameters(now: RTCRtpSendParameters): Promise<void> {
    this.kept = structuredClone(now)
    if (!this.knowsCodecs) for (const encoding of this.kept.encodings) delete encoding.codec
    this.set.push(structuredClone(now))
  }
}

const connection = (...senders: FakeSender[]) => ({ getTransceivers: () => senders.map((sender) => ({ sender })) }) as unknown as RTCPeerConnection
const chosen = (sender: FakeSender) => sender.getParameters().encodings[0]?.codec?.mimeType
const cameraPlan = (part: Partial<Demand>): LinkPlan => planOf(demand(part), 6, null)

describe('telling the senders', () => {
  it('sets what is other than planned, once', async () => {
    const all = [new FakeSender(), new FakeSender([VP8, H264, VP9]), new FakeSender()] as const
    const plan = planOf(demand({ screen: HD }), 6, null)
    await applyPlan(connection(...all), plan)
    await applyPlan(connection(...all), plan)
    expect(all.map(({ set }) => set.length)).toEqual([1, 1, 1])
    expect(all[0].set[0]!.encodings[0]).toEqual({ maxBitrate: SOUND_BPS, priority: 'high', networkPriority: 'high' })
    expect(all[1].set[0]!.encodings[0]).toMatchObject({ maxBitrate: 170_000, maxFramerate: 15, scaleResolutionDownBy: 4 })
    expect(all[2].set[0]!.degradationPreference).toBe('maintain-resolution')
  })

  it('waits for the first negotiation, and lives with a browser that refuses', async () => {
    const unborn = new FakeSender([], { encodings: [] })
    const stubborn = new FakeSender([VP9])
    stubborn.setParameters = () => Promise.reject(new DOMException('no'))
    await applyPlan(connection(unborn, stubborn), planOf(demand(), 0, null))
    expect(unborn.set).toEqual([])
  })

  it('changes the codec with the number of people, among those that both ends have', async () => {
    const [, all, few, old] = [new FakeSender(), new FakeSender([VP8, H264, VP9]), new FakeSender([VP8, VP9]), new FakeSender([VP8])]
    const three = [all, few, old] as const
    const tell = (part: Partial<Demand>) => Promise.all(three.map((sender) => applyPlan(connection(new FakeSender(), sender!), cameraPlan(part))))
    await tell({ peers: 1 })
    expect(three.map((sender) => chosen(sender!))).toEqual(['video/VP9', 'video/VP9', 'video/VP8'])
    await tell({ peers: 3 })
    expect(three.map((sender) => chosen(sender!))).toEqual(['video/H264', 'video/VP8', 'video/VP8'])
    await tell({ peers: 1 })
    expect(chosen(all!)).toBe('video/VP9')
  })

  it('does not tell a browser again that takes no notice of codecs', async () => {
    const sender = new FakeSender([VP8, VP9], { knowsCodecs: false })
    for (let i = 0; i < 3; i++) await applyPlan(connection(new FakeSender(), sender), cameraPlan({}))
    expect(sender.set).toHaveLength(1)
  })

  it('asks again for a codec that a negotiation was in the way of', async () => {
    const sender = new FakeSender([VP8, H264])
    const set = sender.setParameters.bind(sender)
    let busy = true
    sender.setParameters = async (now) => {
      if (busy && now.encodings[0]?.codec) throw new DOMException('a negotiation is under way', 'InvalidStateError')
      await set(now)
    }
    await applyPlan(connection(new FakeSender(), sender), cameraPlan({ peers: 2 }))
    expect(chosen(sender)).toBeUndefined()
    busy = false
    await applyPlan(connection(new FakeSender(), sender), cameraPlan({ peers: 2 }))
    expect(chosen(sender)).toBe('video/H264')
  })

  it('keeps the size where the codec is refused', async () => {
    const sender = new FakeSender([VP9])
    const keep = sender.setParameters.bind(sender)
    let refusals = 0
    sender.setParameters = async (now) => {
      if (now.encodings[0]?.codec) throw new DOMException(`no, for the ${++refusals}th time`)
      return keep(now)
    }
    for (let i = 0; i < 3; i++) await applyPlan(connection(new FakeSender(), sender), cameraPlan({}))
    expect(sender.getParameters().encodings[0]).toMatchObject({ scaleResolutionDownBy: 4 })
    expect([refusals, sender.set.length]).toEqual([1, 1])
  })
})
