import type { FrameChannel } from '../channel'
import type { User } from '../state'
import type { Offer } from './frames'
import { decodeFile, encodeFile, MAX_SIZE } from './frames'
import { IncomingFile } from './receiving'
import type { Source } from './sending'
import { OutgoingFile } from './sending'
import { Speed } from './speed'
import type { FileStore } from './store'
import { BrowserStore } from './store'
import type { FileView } from './view'
import { isOver } from './view'

export interface FilesOptions {
  /** A peer of the room by its id; null if it is not there, or not any more. */
  peer: (peer: string) => { user: User; channel: FrameChannel } | null
  changed: () => void
  /** Where received files go; the browser's unless told. */
  store?: FileStore
}

// Bounds for what strangers offer: undecided offers of one user, and all transfers that a page remembers.
const MAX_ASKED = 16
const MAX_TRANSFERS = 200
/** How often progress is told, in ms. */
const PROGRESS_MS = 200

interface Held {
  transfer: OutgoingFile | IncomingFile
  speed: Speed
  /** At the other end; another one when the same user came back with a new session. */
  peer: string
  user: User
  saved: boolean
}

/** Whether this page can send and receive files: it checks them by hash, for which browsers give the means to pages over https only. */
export function canSendFiles(): boolean {
  return globalThis.crypto?.subtle !== undefined
}

/** All files between us and the others in a room, whatever becomes of the connections meanwhile. */
export class Files {
  private readonly options: FilesOptions
  private readonly store: FileStore
  private readonly held = new Map<string, Held>()
  private telling: ReturnType<typeof setTimeout> | undefined

  constructor(options: FilesOptions) {
    this.options = options
    this.store = options.store ?? new BrowserStore()
  }

  /** Oldest first. */
  snapshot(): FileView[] {
    const now = Date.now()
    return [...this.held].map(([id, { transfer, speed, peer, user }]) => {
      const { name, size, type, state, stored, stop, at } = transfer
      const rate = state === 'moving' ? speed.rate(now) : 0
      return { id, mine: transfer instanceof OutgoingFile, user, there: this.options.peer(peer) !== null, name, size, type, state, stored, rate, stop, at }
    })
  }

  /** Offers a file to these peers, to each on its own. Throws a RangeError if it is too large. */
  offer(source: Source, peers: readonly string[]): void {
    if (source.size > MAX_SIZE) throw new RangeError(`a file of ${source.size} bytes: want at most ${MAX_SIZE}`)
    for (const peer of peers) {
      const user = this.options.peer(peer)?.user
      if (!user || !this.makeRoom()) continue
      const transfer = new OutgoingFile(source, this.link(() => held))
      const held: Held = { transfer, speed: new Speed(), peer, user, saved: false }
      this.held.set(transfer.id, held)
      if (this.channel(peer)) transfer.ready()
    }
    this.options.changed()
  }

  accept(id: string): void {
    this.incoming(id)?.accept()
  }

  decline(id: string): void {
    this.incoming(id)?.decline()
  }

  cancel(id: string): void {
    this.held.get(id)?.transfer.cancel()
  }

  /** What to save of a file that is `done`; null otherwise. Its type is one that no browser opens. */
  content(id: string): Blob | null {
    const held = this.held.get(id)
    if (!held || !(held.transfer instanceof IncomingFile) || !held.transfer.content) return null
    held.saved = true
    const { content, size } = held.transfer
    return content.slice(0, size, 'application/octet-stream')
  }

  /** A frame came over the channel to a peer. */
  take(peer: string, bytes: Uint8Array<ArrayBuffer>): void {
    const frame = decodeFile(bytes)
    const user = this.options.peer(peer)?.user
    if (!frame || !user) return
    if (frame.kind === 'offer') {
      this.offered(peer, user, frame.id, frame.offer)
      return
    }
    // Which side's transfer it is follows from what is said of it; one id is never used for both, but by a liar.
    const ours = frame.kind === 'take' || frame.kind === 'have' || frame.kind === 'done' ? [frame.id] : [frame.id, keyOf(user, frame.id)]
    for (const key of ours) {
      const held = this.held.get(key)
      if (held?.peer === peer) held.transfer.take(frame)
    }
  }

  /** The channel to a peer has opened or closed. */
  channelChanged(peer: string): void {
    const there = this.options.peer(peer)
    if (there?.channel.open) this.adopt(peer, there.user)
    for (const held of this.held.values()) {
      if (held.peer !== peer) continue
      if (!there?.channel.open) held.transfer.lost()
      else if (held.transfer instanceof OutgoingFile) held.transfer.ready()
    }
    this.options.changed()
  }

  /** Ends what goes on, and forgets what was received but for what is being saved. */
  close(): void {
    for (const { transfer, saved } of this.held.values()) {
      transfer.cancel()
      if (transfer instanceof IncomingFile && !saved) transfer.drop()
    }
    this.held.clear()
    clearTimeout(this.telling)
    this.telling = undefined
  }

  private offered(peer: string, user: User, id: string, offer: Offer): void {
    const key = keyOf(user, id)
    const known = this.held.get(key)
    if (known) {
      // Another session of the same user may go on with it only when the first has gone.
      if (known.peer !== peer && this.options.peer(known.peer)) return
      known.peer = peer
      if (known.transfer instanceof IncomingFile) known.transfer.offered(offer)
      return
    }
    const asked = [...this.held.values()].filter(({ transfer, user: { id } }) => transfer instanceof IncomingFile && transfer.state === 'asked' && id === user.id)
    if (asked.length >= MAX_ASKED || !canSendFiles() || !this.makeRoom()) {
      this.channel(peer)?.send(encodeFile({ id, kind: 'stop', reason: 'declined' }))
      return
    }
    const held: Held = { speed: new Speed(), peer, user, saved: false, transfer: new IncomingFile(id, offer, this.link(() => held), this.store) }
    this.held.set(key, held)
    this.options.changed()
  }

  /** What went to a session that has gone goes on with the user's new one. */
  private adopt(peer: string, user: User): void {
    for (const held of this.held.values()) {
      if (held.user.id === user.id && held.peer !== peer && !this.options.peer(held.peer)) held.peer = peer
    }
  }

  private link(held: () => Held): ConstructorParameters<typeof OutgoingFile>[1] {
    return {
      channel: () => this.channel(held().peer),
      changed: (what) => {
        const { transfer, speed } = held()
        if (what === 'state') {
          speed.reset()
          this.options.changed()
        } else {
          this.telling ??= setTimeout(() => {
            this.telling = undefined
            this.options.changed()
          }, PROGRESS_MS)
        }
        speed.mark(transfer.stored, Date.now())
      },
    }
  }

  private channel(peer: string): FrameChannel | null {
    const channel = this.options.peer(peer)?.channel
    return channel?.open ? channel : null
  }

  private incoming(id: string): IncomingFile | null {
    const transfer = this.held.get(id)?.transfer
    return transfer instanceof IncomingFile ? transfer : null
  }

  private makeRoom(): boolean {
    if (this.held.size < MAX_TRANSFERS) return true
    for (const [key, { transfer, saved }] of this.held) {
      // What was received and not saved yet is not forgotten for a newer offer.
      const kept = transfer instanceof IncomingFile && transfer.state === 'done' && !saved
      if (isOver(transfer.state) && !kept) return this.held.delete(key)
    }
    return false
  }
}

/** Ids are chosen by senders, so they name a transfer only together with the user. */
function keyOf(user: User, id: string): string {
  return `${id} ${user.id}`
}
