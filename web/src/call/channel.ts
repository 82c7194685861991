// The data channel between two peers, negotiated by agreement rather than in band: stream 0, labelled "callmesh", ordered and reliable.
//
// Every message is one binary frame, whose first byte says what it is:
//
//   byte 0   then
//   0x00     hello: byte 1 is the version, 1. Both sides say it first, once their channel is open. The other end of an agreed channel may be a page
//            that knows nothing of it, whose browser opens the stream all the same: so nothing counts as sent before its hello was heard.
//   0x10..   files, see files/frames.ts
//   0x20     how much is shown, see showing.ts
//
// Whoever doesn't know a kind passes over it. A frame longer than MAX_FRAME, an empty one or a text ends the channel for the life of its connection.

/** In bytes; within what every browser takes (RFC 8831 §6.6 advises 16 KiB without interleaving, and all send 64 KiB now). */
export const MAX_FRAME = 64 * 1024

/** So much may wait in the browser to be sent, in bytes, and at so little there is room again. */
const HIGH = 1024 * 1024
const LOW = 256 * 1024

const HELLO = 0x00
const VERSION = 1

export interface PeerChannelOptions {
  /** A frame of the other side's, its first byte included; never a hello. */
  take: (frame: Uint8Array<ArrayBuffer>) => void
  /** It has opened or closed. */
  changed: () => void
}

/** What those who send over a channel see of it. */
export interface FrameChannel {
  /** Whether the other side hears us. */
  readonly open: boolean
  /** Sends a frame, or drops it and returns false if the channel isn't open. */
  send(frame: Uint8Array<ArrayBuffer>): boolean
  /** Resolves once there is room for more: true to go on, false if the channel has closed meanwhile. */
  drained(): Promise<boolean>
}

/**
 * The channel to one peer over the life of its link. Each connection that takes another's place brings a channel of its own; what waited in the old
 * one is lost, and whoever sent it hears of that by {@link PeerChannelOptions.changed}.
 */
export class PeerChannel implements FrameChannel {
  private readonly options: PeerChannelOptions
  private channel: RTCDataChannel | null = null
  private greeted = false
  private waiting: (() => void)[] = []

  constructor(options: PeerChannelOptions) {
    this.options = options
  }

  get open(): boolean {
    return this.greeted && this.channel?.readyState === 'open'
  }

  /** Makes the channel of a connection, in place of the one before. */
  attach(pc: RTCPeerConnection): void {
    this.detach()
    const channel = pc.createDataChannel('callmesh', { negotiated: true, id: 0, ordered: true })
    this.channel = channel
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = LOW
    channel.onopen = () => channel.send(Uint8Array.of(HELLO, VERSION))
    channel.onmessage = ({ data }: MessageEvent<unknown>) => this.hear(data)
    channel.onbufferedamountlow = () => this.wake()
    channel.onclose = () => this.detach()
  }

  /** Lets go of the channel, as before its connection is closed. */
  detach(): void {
    const { channel, greeted } = this
    if (!channel) return
    channel.onopen = channel.onmessage = channel.onclose = channel.onbufferedamountlow = null
    channel.close()
    this.channel = null
    this.greeted = false
    this.wake()
    if (greeted) this.options.changed()
  }

  send(frame: Uint8Array<ArrayBuffer>): boolean {
    if (!this.open || !this.channel) return false
    try {
      this.channel.send(frame)
      return true
    } catch {
      // Closing, or its buffer is full: either way nothing more gets through this one.
      this.detach()
      return false
    }
  }

  async drained(): Promise<boolean> {
    const { channel } = this
    while (this.open && channel && this.channel === channel && channel.bufferedAmount > HIGH) {
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
    return this.open && this.channel === channel
  }

  private wake(): void {
    const waiting = this.waiting
    this.waiting = []
    for (const resolve of waiting) resolve()
  }

  private hear(data: unknown): void {
    if (!(data instanceof ArrayBuffer) || data.byteLength === 0 || data.byteLength > MAX_FRAME) {
      this.detach()
      return
    }
    const frame = new Uint8Array(data)
    if (frame[0] === HELLO) {
      if (this.greeted) return
      this.greeted = true
      this.options.changed()
    } else if (this.greeted) {
      this.options.take(frame)
    }
  }
}
