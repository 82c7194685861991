import type { World } from './world'

type Kind = 'audio' | 'video'

interface FakeTransceiver {
  mid: string | null
  direction: RTCRtpTransceiverDirection
  /** Associated with a description that has not become final, so that a rollback takes the association back. */
  pending: 'local' | 'remote' | null
  sender: { track: MediaStreamTrack | null; replaceTrack(track: MediaStreamTrack | null): Promise<void>; setStreams(): void }
  receiver: { track: { kind: Kind }; getSynchronizationSources(): [] }
}

interface Description {
  type: 'offer' | 'answer'
  sdp: string
}

let connections = 0

/**
 * As much of RTCPeerConnection as negotiation depends on, by the text of W3C WebRTC: the chain of operations (§4.4.1.1), implicit rollback
 * (§4.4.1.5), when negotiation is needed (§4.7.3) and how ICE restarts are remembered (§4.4.2). Media is left out: two connections count as connected when
 * each holds the other's latest credentials.
 */
export class FakeConnection {
  signalingState: RTCSignalingState = 'stable'
  connectionState: RTCPeerConnectionState = 'new'
  iceConnectionState: RTCIceConnectionState = 'new'
  onnegotiationneeded: (() => void) | null = null
  onicecandidate: ((event: { candidate: { toJSON(): RTCIceCandidateInit } | null }) => void) | null = null
  onconnectionstatechange: (() => void) | null = null
  oniceconnectionstatechange: (() => void) | null = null
  ontrack: (() => void) | null = null
  iceGatheringState: RTCIceGatheringState = 'new'
  readonly added: RTCIceCandidateInit[] = []
  rollbacks = 0
  private readonly found: RTCIceCandidateInit[] = []
  configuration: RTCConfiguration = {}

  private readonly world: World
  private readonly name = `pc${++connections}`
  private transceivers: FakeTransceiver[] = []
  private current: { local: Description | null; remote: Description | null } = { local: null, remote: null }
  private pending: { local: Description | null; remote: Description | null } = { local: null, remote: null }
  private operations: Promise<unknown> = Promise.resolve()
  private running = 0
  private neededQueued = false
  private generation = 0
  private hasChannel = false
  private toReplace = new Set<string>()

  constructor(world: World) {
    this.world = world
  }

  /** With the candidates found so far (JSEP §4.1.15). */
  get localDescription(): Description | null {
    const description = this.pending.local ?? this.current.local
    if (!description) return null
    const found = this.found.filter((c) => c.usernameFragment === ufragOf(description)).map((c) => `a=${c.candidate}`)
    return { ...description, sdp: [description.sdp, ...found].join('\r\n') }
  }

  get remoteDescription(): Description | null {
    return this.pending.remote ?? this.current.remote
  }

  addTransceiver(kind: Kind, init: { direction: RTCRtpTransceiverDirection }): FakeTransceiver {
    const transceiver = makeTransceiver(kind, init.direction)
    this.transceivers.push(transceiver)
    this.check()
    return transceiver
  }

  /** It never opens: what goes over channels is tried with channels of its own. */
  createDataChannel(): Partial<RTCDataChannel> {
    this.hasChannel = true
    this.check()
    return { readyState: 'connecting', close: () => undefined }
  }

  getTransceivers(): FakeTransceiver[] {
    return [...this.transceivers]
  }

  restartIce(): void {
    if (this.current.local) this.toReplace.add(ufragOf(this.current.local))
    this.check()
  }

  setLocalDescription(description?: { type: 'rollback' }): Promise<void> {
    return this.chain(async () => {
      await this.world.turn(this.name)
      if (description) this.rollBack()
      else if (this.signalingState === 'have-remote-offer') this.answer()
      else this.offer()
    })
  }

  setRemoteDescription(description: Description): Promise<void> {
    return this.chain(async () => {
      await this.world.turn(this.name)
      if (description.type === 'answer') {
        if (this.signalingState !== 'have-local-offer') throw new DOMException('no offer to answer', 'InvalidStateError')
        this.current = { local: this.pending.local, remote: description }
        this.becomeStable()
        this.noteAll(description)
        return
      }
      if (this.signalingState === 'have-local-offer') this.rollBack()
      if (this.signalingState !== 'stable') throw new DOMException('not stable', 'InvalidStateError')
      this.pending.remote = description
      this.signalingState = 'have-remote-offer'
      this.noteAll(description)
      kindsOf(description).forEach((kind, i) => {
        const known = this.transceivers.find((t) => t.mid === String(i))
        if (known) return
        // A transceiver from addTransceiver is never taken for an offered one (JSEP §5.10), hence the danger of doubles.
        const made = makeTransceiver(kind, 'recvonly')
        Object.assign(made, { mid: String(i), pending: 'remote' })
        this.transceivers.push(made)
      })
    })
  }

  addIceCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    return this.chain(async () => {
      if (!this.remoteDescription) throw new DOMException('no remote description', 'InvalidStateError')
      // One that names no generation is of the latest (W3C WebRTC §4.4.1.9).
      if ((candidate.usernameFragment ?? ufragOf(this.remoteDescription)) !== ufragOf(this.remoteDescription)) throw new DOMException('unknown ufrag', 'OperationError')
      this.note(candidate.candidate ?? '', ufragOf(this.remoteDescription))
    })
  }

  addEventListener(): void {}

  removeEventListener(): void {}

  getConfiguration(): RTCConfiguration {
    return this.configuration
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration
  }

  getStats(): Promise<Map<string, unknown>> {
    return Promise.resolve(new Map())
  }

  close(): void {
    this.signalingState = 'closed'
    this.connectionState = 'closed'
  }

  /** Moves the connection to a state, as the network would. */
  become(connection: RTCPeerConnectionState, ice: RTCIceConnectionState = connection === 'connecting' ? 'checking' : (connection as RTCIceConnectionState)): void {
    this.connectionState = connection
    this.iceConnectionState = ice
    this.oniceconnectionstatechange?.()
    this.onconnectionstatechange?.()
  }

  /** What two connections must agree on to be connected. */
  ends(): { local: string | null; remote: string | null } {
    return { local: this.current.local && ufragOf(this.current.local), remote: this.current.remote && ufragOf(this.current.remote) }
  }

  private noteAll(description: Description): void {
    for (const [, candidate = ''] of description.sdp.matchAll(/a=(candidate:.*)/g)) this.note(candidate.trim(), ufragOf(description))
  }

  private note(candidate: string, usernameFragment: string): void {
    if (!this.added.some((known) => known.candidate === candidate)) this.added.push({ candidate, usernameFragment })
  }

  private chain<T>(operation: () => Promise<T>): Promise<T> {
    this.running++
    // Neither what had begun nor what waits is settled after the end.
    const unlessClosed = <V>(then: () => V | Promise<V>) => (this.signalingState === 'closed' ? new Promise<V>(() => undefined) : then())
    const result = this.operations.then(() => unlessClosed(operation)).then((value) => unlessClosed(() => value), (error: unknown) => unlessClosed(() => Promise.reject<T>(error as Error)))
    this.operations = result.catch(() => undefined).then(() => {
      this.running--
      this.check()
    })
    return result
  }

  private offer(): void {
    const before = this.current.local && ufragOf(this.current.local)
    const ufrag = before === null || this.toReplace.has(before) ? this.fresh() : before
    this.transceivers.forEach((t, i) => {
      if (t.mid === null) Object.assign(t, { mid: String(i), pending: 'local' })
    })
    this.pending.local = { type: 'offer', sdp: write(ufrag, this.transceivers, this.hasChannel || hasChannel(this.current.local)) }
    this.signalingState = 'have-local-offer'
    this.gather(ufrag)
  }

  private answer(): void {
    const offer = this.pending.remote
    const renewed = !offer || !this.current.remote || ufragOf(offer) !== ufragOf(this.current.remote)
    const before = this.current.local && ufragOf(this.current.local)
    const ufrag = before === null || renewed ? this.fresh() : before
    this.current = { local: { type: 'answer', sdp: write(ufrag, this.transceivers, hasChannel(offer)) }, remote: offer }
    if (ufrag !== before) this.gather(ufrag)
    this.becomeStable()
  }

  private becomeStable(): void {
    this.pending = { local: null, remote: null }
    for (const transceiver of this.transceivers) transceiver.pending = null
    this.signalingState = 'stable'
    const now = this.current.local && ufragOf(this.current.local)
    if (now === null || !this.toReplace.has(now)) this.toReplace.clear()
  }

  private rollBack(): void {
    this.rollbacks++
    this.pending.local = null
    this.signalingState = 'stable'
    for (const t of this.transceivers) if (t.pending === 'local') Object.assign(t, { mid: null, pending: null })
  }

  private gather(ufrag: string): void {
    for (let i = 0; i < 2; i++) {
      this.world.later(`${this.name} gathers`, () => {
        const candidate = { candidate: `candidate:${i} of ${ufrag}`, usernameFragment: ufrag, sdpMid: '0' }
        this.found.push(candidate)
        this.onicecandidate?.({ candidate: { toJSON: () => candidate } })
      })
    }
  }

  private fresh(): string {
    return `${this.name}u${++this.generation}`
  }

  private check(): void {
    if (this.neededQueued || !this.needed()) return
    this.neededQueued = true
    this.world.later(`${this.name} events`, () => {
      this.neededQueued = false
      if (this.needed()) this.onnegotiationneeded?.()
    })
  }

  private needed(): boolean {
    if (this.running > 0 || this.signalingState !== 'stable') return false
    if (this.hasChannel && !hasChannel(this.current.local)) return true
    return this.toReplace.size > 0 || this.transceivers.some((t) => t.mid === null)
  }
}

function makeTransceiver(kind: Kind, direction: RTCRtpTransceiverDirection): FakeTransceiver {
  const sender: FakeTransceiver['sender'] = {
    track: null,
    replaceTrack: (track) => {
      sender.track = track
      return Promise.resolve()
    },
    setStreams: () => undefined,
  }
  return { mid: null, direction, pending: null, sender, receiver: { track: { kind }, getSynchronizationSources: () => [] } }
}

function write(ufrag: string, transceivers: FakeTransceiver[], channel: boolean): string {
  return [`a=ice-ufrag:${ufrag}`, ...transceivers.map((t) => `m=${t.receiver.track.kind}`), ...(channel ? ['m=application'] : [])].join('\r\n')
}

function hasChannel(description: Description | null): boolean {
  return description?.sdp.includes('m=application') ?? false
}

function ufragOf({ sdp }: Description): string {
  return /a=ice-ufrag:(\S+)/.exec(sdp)?.[1] ?? ''
}

function kindsOf({ sdp }: Description): Kind[] {
  return [...sdp.matchAll(/m=(audio|video)/g)].map((match) => match[1] as Kind)
}
