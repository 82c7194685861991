import type { FrameChannel } from '../channel'
import { BlockDigest } from './digest'
import type { FileFrame, Stop } from './frames'
import { BLOCK, CHUNK, encodeFile, freshTransfer, WINDOW } from './frames'
import { safeName, safeType } from './names'
import type { FileState } from './view'
import { isOver } from './view'

/** What a transfer needs of the rest. */
export interface TransferLink {
  /** The way to the other end; null while there is none. */
  channel: () => FrameChannel | null
  /** `progress` alone may be told late. */
  changed: (what: 'state' | 'progress') => void
}

/** What of a File is read. */
export type Source = Pick<File, 'name' | 'size' | 'type' | 'slice'>

/** A file of ours on its way to one peer, over however many channels it takes. */
export class OutgoingFile {
  readonly id = freshTransfer()
  readonly at = Date.now()
  readonly name: string
  readonly size: number
  readonly type: string
  state: FileState = 'waiting'
  stop: Stop | null = null
  stored = 0

  private readonly source: Source
  private readonly link: TransferLink
  private readonly digest: BlockDigest
  /** Rises with each attempt to send; an older one that finds itself overtaken gives up. */
  private run = 0
  private sent = 0
  private pumping: Promise<void> = Promise.resolve()
  private wake = () => {}
  /** The other side has to be told of the end, once it can be. */
  private untold = false

  constructor(source: Source, link: TransferLink) {
    this.source = source
    this.link = link
    this.name = safeName(source.name)
    this.size = source.size
    this.type = safeType(source.type)
    this.digest = new BlockDigest(source.size)
  }

  /** There is a channel, or another one. */
  ready(): void {
    if (this.untold && this.stop) {
      this.untold = !this.send({ id: this.id, kind: 'stop', reason: this.stop })
    } else if (!isOver(this.state) && this.send({ id: this.id, kind: 'offer', offer: { name: this.name, size: this.size, type: this.type } })) {
      this.become('asked')
    }
  }

  lost(): void {
    if (isOver(this.state)) return
    this.halt()
    this.become('waiting')
  }

  cancel(): void {
    if (!isOver(this.state)) this.fail('cancelled')
  }

  take(frame: FileFrame): void {
    if (isOver(this.state)) return
    switch (frame.kind) {
      case 'take':
        if (frame.position > this.size || (frame.position % BLOCK !== 0 && frame.position !== this.size)) this.fail('protocol')
        else this.begin(frame.position)
        return
      case 'have':
        if (frame.position < this.stored || frame.position > this.sent) return
        this.stored = frame.position
        this.wake()
        this.link.changed('progress')
        return
      case 'done':
        this.halt()
        this.stored = this.size
        this.become('done')
        return
      case 'stop':
        this.halt()
        this.stop = frame.reason
        this.become(frame.reason === 'declined' || frame.reason === 'cancelled' ? frame.reason : 'failed')
        return
      default:
        return
    }
  }

  private begin(from: number): void {
    const channel = this.link.channel()
    if (!channel) return
    this.halt()
    const run = this.run
    this.stored = this.sent = from
    this.become('moving')
    // When the one before has noticed that it was overtaken: whoever asks over and over is read for once at a time.
    this.pumping = this.pumping.then(() => this.pump(channel, run))
  }

  private async pump(channel: FrameChannel, run: number): Promise<void> {
    if (run !== this.run) return
    try {
      while (this.sent < this.size) {
        while (this.sent - this.stored >= WINDOW) {
          await new Promise<void>((resolve) => (this.wake = resolve))
          if (run !== this.run) return
        }
        const block = await this.read(this.sent)
        if (run !== this.run) return
        for (let at = 0; at < block.length; at += CHUNK) {
          if (!(await channel.drained()) || run !== this.run) return
          channel.send(encodeFile({ id: this.id, kind: 'data', position: this.sent + at, bytes: block.subarray(at, at + CHUNK) }))
        }
        this.sent += block.length
      }
      // Blocks that the other side had from before this page read them are read now, for the hash.
      for (const position of this.digest.missing()) {
        await this.read(position)
        // Whoever asks again and again must not have the whole file read each time.
        if (run !== this.run) return
      }
      const hash = await this.digest.hash()
      if (run !== this.run) return
      this.send({ id: this.id, kind: 'end', hash })
      this.become('checking')
    } catch {
      // It was moved, changed or unplugged since it was chosen.
      if (run === this.run) this.fail('unreadable')
    }
  }

  private async read(position: number): Promise<Uint8Array<ArrayBuffer>> {
    const block = new Uint8Array(await this.source.slice(position, position + BLOCK).arrayBuffer())
    if (block.length !== Math.min(BLOCK, this.size - position)) throw new DOMException('the file has become shorter', 'NotReadableError')
    await this.digest.add(position, block)
    return block
  }

  private fail(stop: Stop): void {
    this.halt()
    this.stop = stop
    this.untold = !this.send({ id: this.id, kind: 'stop', reason: stop })
    this.become(stop === 'cancelled' ? 'cancelled' : 'failed')
  }

  private halt(): void {
    this.run++
    this.wake()
  }

  private send(frame: FileFrame): boolean {
    return this.link.channel()?.send(encodeFile(frame)) ?? false
  }

  private become(state: FileState): void {
    this.state = state
    this.link.changed('state')
  }
}
