/** As much of RTCDataChannel as is used, by the text of W3C WebRTC §6.2. */
class FakeChannel {
  readyState: RTCDataChannelState = 'connecting'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType = ''
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onbufferedamountlow: (() => void) | null = null
  onclose: (() => void) | null = null
  deliver: (data: unknown) => void = () => undefined

  send(data: Uint8Array | string): void {
    if (this.readyState !== 'open') throw new DOMException('not open', 'InvalidStateError')
    this.deliver(typeof data === 'string' ? data : data.slice().buffer)
  }

  close(): void {
    this.readyState = 'closed'
  }
}

/** Two ends of one data channel. What is sent arrives in order, a turn later. */
export class ChannelPair {
  private readonly ends = [new FakeChannel(), new FakeChannel()] as const
  private work: Promise<void> = Promise.resolve()

  constructor() {
    const [a, b] = this.ends
    a.deliver = (data) => this.carry(b, data)
    b.deliver = (data) => this.carry(a, data)
  }

  /** A connection whose channel is one of the ends. */
  connection(end: 0 | 1): RTCPeerConnection {
    return { createDataChannel: () => this.ends[end] } as unknown as RTCPeerConnection
  }

  open(end: 0 | 1): void {
    this.ends[end].readyState = 'open'
    this.ends[end].onopen?.()
  }

  async openBoth(): Promise<void> {
    this.open(0)
    this.open(1)
    await this.settle()
  }

  /** Bytes that have not left an end. */
  hold(end: 0 | 1, bytes: number): void {
    const channel = this.ends[end]
    const low = channel.bufferedAmount > channel.bufferedAmountLowThreshold && bytes <= channel.bufferedAmountLowThreshold
    channel.bufferedAmount = bytes
    if (low) channel.onbufferedamountlow?.()
  }

  /** Sends past whatever wants to check it. */
  say(end: 0 | 1, data: Uint8Array | string): void {
    this.ends[end].deliver(typeof data === 'string' ? data : data.slice().buffer)
  }

  close(): void {
    for (const channel of this.ends) {
      channel.readyState = 'closed'
      channel.onclose?.()
    }
  }

  /** Until nothing is on its way any more. */
  async settle(): Promise<void> {
    for (let before: Promise<void> | null = null; before !== this.work; ) {
      before = this.work
      await before
      await new Promise((resolve) => setTimeout(resolve))
    }
  }

  private carry(to: FakeChannel, data: unknown): void {
    this.work = this.work.then(() => {
      if (to.readyState === 'open') to.onmessage?.({ data })
    })
  }
}
