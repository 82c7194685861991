import { BlockDigest, sameBytes } from './digest'
import type { FileFrame, Offer, Stop } from './frames'
import { BLOCK, encodeFile, WINDOW } from './frames'
import { safeName, safeType } from './names'
import type { TransferLink } from './sending'
import type { FileStore, Sink } from './store'
import type { FileState } from './view'
import { isOver } from './view'

/** A file that a peer offers us. Nothing of it is taken before {@link accept}; it is ours once its hash was right. */
export class IncomingFile {
  readonly id: string
  readonly at = Date.now()
  readonly name: string
  readonly size: number
  readonly type: string
  state: FileState = 'asked'
  stop: Stop | null = null
  stored = 0
  /** All of it, once `done`. */
  content: Blob | null = null

  private readonly offer: Offer
  private readonly link: TransferLink
  private readonly store: FileStore
  private readonly digest: BlockDigest
  private accepted = false
  private sink: Promise<Sink> | null = null
  /** Rises with each attempt to receive. */
  private run = 0
  /** The position of the next byte on this channel. */
  private expected = 0
  private block: Uint8Array<ArrayBuffer>
  private filled = 0
  /** Bytes that came and are not stored yet. */
  private queued = 0
  private work: Promise<void> = Promise.resolve()
  private ending = false

  constructor(id: string, offer: Offer, link: TransferLink, store: FileStore) {
    this.id = id
    this.offer = offer
    this.link = link
    this.store = store
    this.name = safeName(offer.name)
    this.size = offer.size
    this.type = safeType(offer.type)
    this.digest = new BlockDigest(offer.size)
    this.block = new Uint8Array(0)
  }

  accept(): void {
    if (this.accepted || isOver(this.state)) return
    this.accepted = true
    void this.begin()
  }

  decline(): void {
    if (!this.accepted && !isOver(this.state)) this.end('declined', 'declined')
  }

  cancel(): void {
    if (!isOver(this.state)) this.end('cancelled', 'cancelled')
  }

  /** The other side offers again what it has offered, as on every new channel. */
  offered(offer: Offer): void {
    if (offer.size !== this.size || offer.name !== this.offer.name) this.fail('protocol')
    else void this.work.then(() => this.answer())
  }

  lost(): void {
    this.run++
    if (isOver(this.state) || this.ending) return
    this.become('waiting')
  }

  take(frame: FileFrame): void {
    if (isOver(this.state)) return
    switch (frame.kind) {
      case 'data':
        if (this.state === 'moving') this.hear(frame.position, frame.bytes)
        return
      case 'end':
        if (this.state !== 'moving' || this.ending) return
        if (this.expected === this.size) this.finish(frame.hash)
        else this.fail('protocol')
        return
      case 'stop':
        this.end(frame.reason === 'cancelled' ? 'cancelled' : 'failed', frame.reason, false)
        return
      default:
        return
    }
  }

  /** Forgets what was received. */
  drop(): void {
    this.content = null
    void this.sink?.then((sink) => sink.drop()).catch(() => undefined)
    this.sink = null
  }

  private answer(): void {
    if (this.state === 'done') this.send({ id: this.id, kind: 'done' })
    else if (isOver(this.state)) this.send({ id: this.id, kind: 'stop', reason: this.stop ?? 'cancelled' })
    else if (this.accepted) void this.begin()
    else this.become('asked')
  }

  private async begin(): Promise<void> {
    if (this.state === 'moving' || this.ending) return
    const run = ++this.run
    this.become('waiting')
    try {
      this.sink ??= this.store.create(this.id, this.size)
      await this.sink
      await this.work
    } catch (error) {
      if (!isOver(this.state)) this.fail(stopOf(error))
      return
    }
    if (run !== this.run || isOver(this.state)) return
    this.expected = this.stored
    this.filled = 0
    if (this.send({ id: this.id, kind: 'take', position: this.stored })) this.become('moving')
  }

  private hear(position: number, bytes: Uint8Array<ArrayBuffer>): void {
    const end = position + bytes.length
    // The sender's answer to an earlier "take" of ours, said twice.
    if (end <= this.expected) return
    if (position !== this.expected || end > this.size || this.queued > WINDOW) {
      this.fail('protocol')
      return
    }
    const start = this.expected - this.filled
    if (this.filled === 0) this.block = new Uint8Array(Math.min(BLOCK, this.size - start))
    if (this.filled + bytes.length > this.block.length) {
      this.fail('protocol')
      return
    }
    this.block.set(bytes, this.filled)
    this.filled += bytes.length
    this.expected = end
    if (this.filled < this.block.length) return
    this.filled = 0
    this.keep(start, this.block)
  }

  private keep(position: number, block: Uint8Array<ArrayBuffer>): void {
    this.queued += block.length
    this.later(async (sink) => {
      await this.digest.add(position, block)
      await sink.write(block)
      this.queued -= block.length
      this.stored = position + block.length
      this.send({ id: this.id, kind: 'have', position: this.stored })
      this.link.changed('progress')
    })
  }

  private finish(hash: Uint8Array): void {
    this.ending = true
    this.become('checking')
    this.later(async (sink) => {
      const right = sameBytes(await this.digest.hash(), hash)
      // Cancelled meanwhile, here or there: that stands.
      if (isOver(this.state)) return
      if (!right) {
        this.fail('damaged')
        return
      }
      const content = await sink.finish()
      if (isOver(this.state)) {
        await sink.drop()
        return
      }
      this.content = content
      this.become('done')
      this.send({ id: this.id, kind: 'done' })
    })
  }

  private later(job: (sink: Sink) => Promise<void>): void {
    this.work = this.work
      .then(async () => {
        const sink = await this.sink
        if (sink && !isOver(this.state)) await job(sink)
      })
      .catch((error: unknown) => {
        if (!isOver(this.state)) this.fail(stopOf(error))
      })
  }

  private fail(stop: Stop): void {
    this.end('failed', stop)
  }

  private end(state: FileState, stop: Stop, tell = true): void {
    this.run++
    this.stop = stop
    // If it can't be told now, the other side asks when it offers again.
    if (tell) this.send({ id: this.id, kind: 'stop', reason: stop })
    this.drop()
    this.become(state)
  }

  private send(frame: FileFrame): boolean {
    return this.link.channel()?.send(encodeFile(frame)) ?? false
  }

  private become(state: FileState): void {
    this.state = state
    this.link.changed('state')
  }
}

function stopOf(error: unknown): Stop {
  return error instanceof DOMException && error.name === 'QuotaExceededError' ? 'space' : 'storage'
}
