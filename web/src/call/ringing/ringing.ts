import type { Greeting, SignalClient } from '../../signal/client'
import { asWireError } from '../../signal/errors'
import { Listeners } from '../../signal/listeners'
import type { CallEvent, Media, RingEvent, User } from '../../wire/wire.gen'
import { RingClock } from './clock'
import { CallRecords } from './records'
import type { CallRecord, CurrentCall, IncomingCall, OutgoingCall, Refusal, RingingSnapshot, RingNews } from './state'

export interface RingingOptions {
  signal: Pick<SignalClient, 'request' | 'on' | 'onHello' | 'hello'>
  /** Keeps what became of a call; told again when more is known. */
  record: (entry: CallRecord) => void
}

/** More at once are told that we are busy: nobody can look at them, and a stranger could fill the screen. */
const MAX_RINGING = 6
/** Regions apart, a call takes a moment until it rings. */
const CALL_MS = 15_000

/**
 * The ringing of one session: calls that come in, one that goes out, and the one that was answered. It follows what the mesh says; of what the mesh
 * could not tell, timers take the place. What happens in the room of an answered call is RoomCall's. Made before the session starts, it hears what was missed.
 */
export class Ringing {
  private readonly options: RingingOptions
  private readonly listeners = new Listeners<RingingSnapshot>()
  private readonly news = new Listeners<RingNews>()
  private readonly clock: RingClock
  private readonly records: CallRecords
  private readonly ends: (() => void)[]
  private readonly incoming = new Map<string, IncomingCall & { room: string }>()
  private outgoing: OutgoingCall | null = null
  /** Of the outgoing call, once the mesh has named it. */
  private outgoingRoom = ''
  private current: CurrentCall | null = null
  private inRoom = false
  private telling = false

  constructor(options: RingingOptions) {
    this.options = options
    const { signal } = options
    this.records = new CallRecords(options.record)
    this.clock = new RingClock(() => signal.hello?.limits.ringMs ?? 30_000)
    this.ends = [
      signal.on('ring', (event) => this.rang(event)),
      signal.on('call', (event) => this.told(event)),
      signal.onHello((greeting) => this.greeted(greeting)),
    ]
  }

  /** Stops listening. Calls end with the session, which is not ended here. */
  close(): void {
    this.ends.forEach((end) => end())
    this.clock.stop()
  }

  /** Tells the state now and after every change, until the returned function is called. */
  subscribe(listener: (snapshot: RingingSnapshot) => void): () => void {
    const end = this.listeners.add(listener)
    listener(this.snapshot())
    return end
  }

  onNews(listener: (news: RingNews) => void): () => void {
    return this.news.add(listener)
  }

  snapshot(): RingingSnapshot {
    const crossing = this.waits() ? this.outgoing?.to.id : undefined
    const shown = [...this.incoming.values()]
      // Whom we are calling, and who calls us at the same moment: the mesh makes one call of the two.
      .filter(({ from }) => from.id !== crossing)
      .map(({ call, from, media, at, answering }): IncomingCall => ({ call, from, media, at, answering }))
    return { incoming: shown, outgoing: this.outgoing, current: this.current, engaged: this.engaged() }
  }

  /** We are in a room with others, or no longer: so whoever calls us now is told that we are busy, should we decline. */
  setInRoom(inRoom: boolean): void {
    this.inRoom = inRoom
    this.changed()
  }

  /** Rings somebody. Does nothing while another call goes out or goes on. */
  async call(to: User, media: Media): Promise<void> {
    if (this.waits() || this.current) return
    const mine: OutgoingCall = { call: null, to, media, state: 'calling', at: Date.now() }
    this.setOutgoing(mine)
    try {
      const { call, room } = await this.options.signal.request('call', { to: to.id, media }, CALL_MS)
      if (this.outgoing !== mine) {
        void this.request('hangup', call)
        return
      }
      this.incoming.delete(call)
      this.outgoingRoom = room
      this.setOutgoing({ ...mine, call, state: 'ringing' })
      this.clock.begin(call, () => this.outgoing?.call === call && this.refused('unanswered'))
    } catch (thrown) {
      if (this.outgoing === mine) this.refused(asWireError(thrown).code === 'offline' ? 'offline' : 'failed')
    }
  }

  /** Gives up the outgoing call, or forgets why it was refused. */
  cancel(): void {
    const { outgoing } = this
    if (!outgoing) return
    if (this.waits()) {
      this.records.vain('out', { ...outgoing, user: outgoing.to }, 'cancelled')
      if (outgoing.call !== null) void this.request('hangup', outgoing.call)
    }
    this.setOutgoing(null)
  }

  /** Takes an incoming call, with our picture or with our voice alone. A call that goes on is hung up. */
  async accept(call: string, media: Media): Promise<void> {
    const ring = this.incoming.get(call)
    if (!ring || ring.answering) return
    this.setAnswering(ring, true)
    try {
      const { room } = await this.options.signal.request('answer', { call, accept: true })
      this.drop(call)
      if (this.waits()) this.cancel()
      this.hangUp()
      this.begin('in', { call, room, with: ring.from, media, since: Date.now(), over: null })
    } catch (thrown) {
      const { code } = asWireError(thrown)
      const still = this.incoming.get(call)
      if (!still) return
      if (code === 'taken') this.stopped(call, 'taken')
      else if (code === 'gone' || code === 'forbidden') this.stopped(call, 'cancelled')
      else {
        this.setAnswering(still, false)
        this.news.emit({ kind: 'unsent', user: ring.from })
      }
    }
  }

  /** Refuses an incoming call: who is in another one is busy. */
  decline(call: string): void {
    const ring = this.incoming.get(call)
    if (!ring) return
    this.drop(call)
    this.records.vain('in', { ...ring, user: ring.from }, 'declined')
    void this.request('answer', call, this.engaged() ? 'busy' : 'declined')
    this.changed()
  }

  /** Ends the current call, for both. */
  hangUp(): void {
    const { current } = this
    if (!current) return
    this.current = null
    if (!current.over) void this.request('hangup', current.call)
    this.records.ended(current)
    this.news.emit({ kind: 'ended', user: current.with })
    this.changed()
  }

  private rang({ call, room, from, media }: RingEvent): void {
    // After a gap a call may ring again.
    if (this.incoming.has(call) || this.current?.call === call || this.outgoing?.call === call) return
    if (this.incoming.size >= MAX_RINGING) {
      void this.request('answer', call, 'busy')
      this.records.vain('in', { call, user: from, media, at: Date.now() }, 'missed')
      return
    }
    this.incoming.set(call, { call, room, from, media, at: Date.now(), answering: false })
    this.clock.begin(call, () => this.stopped(call, 'missed'))
    this.changed()
  }

  private told({ call, state }: CallEvent): void {
    if (this.current?.call === call) {
      if (state === 'ended') this.over('ended')
    } else if (this.outgoing?.call === call) {
      if (state === 'accepted') this.answered(this.outgoing, call)
      else if (state === 'declined' || state === 'busy') this.refused(state)
      else if (state === 'missed') this.refused('unanswered')
      else if (this.waits()) this.withdrawn(this.outgoing)
    } else if (this.incoming.has(call)) {
      if (state === 'accepted') this.crossed(call)
      else if (state === 'taken' || state === 'missed') this.stopped(call, state)
      else this.stopped(call, 'cancelled')
    }
  }

  private answered(outgoing: OutgoingCall, call: string): void {
    this.setOutgoing(null)
    this.begin('out', { call, room: this.outgoingRoom, with: outgoing.to, media: outgoing.media, since: Date.now(), over: null })
  }

  /** Our call gave way to theirs, or another device of ours gave it up. */
  private withdrawn({ call, to, ...outgoing }: OutgoingCall): void {
    const theirs = () => [...this.incoming.values()].some(({ from }) => from.id === to.id)
    const end = () => {
      this.setOutgoing(null)
      if (theirs()) return
      this.records.vain('out', { ...outgoing, call, user: to }, 'cancelled')
      this.news.emit({ kind: 'cancelled', user: to })
    }
    // Theirs is about to be accepted for us, with what we wanted to call with. If it is not, it rings.
    if (call !== null && theirs()) this.clock.yield(call, () => this.outgoing?.call === call && end())
    else end()
  }

  /** We called them while they called us, and theirs stands. */
  private crossed(call: string): void {
    const ring = this.incoming.get(call)!
    this.drop(call)
    // Who has given up calling has chosen to show nothing; what theirs was to be is no choice of ours.
    const media = this.outgoing?.to.id === ring.from.id ? this.outgoing.media : 'audio'
    this.setOutgoing(null)
    this.begin('in', { call, room: ring.room, with: ring.from, media, since: Date.now(), over: null })
  }

  private begin(direction: CallRecord['direction'], current: CurrentCall): void {
    this.current = current
    this.records.began(direction, current)
    this.news.emit({ kind: 'accepted', user: current.with })
    this.changed()
  }

  /** The mesh has ended the current call; its room is left once nobody else is there. */
  private over(how: 'ended' | 'lost'): void {
    if (!this.current || this.current.over) return
    this.current = { ...this.current, over: how }
    this.changed()
  }

  private refused(state: Refusal): void {
    const { outgoing } = this
    if (!outgoing || !this.waits()) return
    this.clock.end(outgoing.call)
    if (state !== 'failed') this.records.vain('out', { ...outgoing, user: outgoing.to }, state)
    this.setOutgoing({ ...outgoing, state })
    this.news.emit({ kind: state, user: outgoing.to })
  }

  /** An incoming call rings no more, and not by our doing. */
  private stopped(call: string, kind: 'taken' | 'cancelled' | 'missed'): void {
    const ring = this.incoming.get(call)
    if (!ring) return
    this.drop(call)
    // Who gave up before we answered has called in vain, too.
    this.records.vain('in', { ...ring, user: ring.from }, kind === 'taken' ? 'taken' : 'missed')
    this.news.emit({ kind, user: ring.from })
    this.changed()
  }

  private greeted({ kind, hello }: Greeting): void {
    for (const { call, from, media, at } of hello.missed) this.records.vain('in', { call, user: from, media, at }, 'missed')
    if (kind !== 'replaced') return
    // What the session was in has ended with it. What still rings, rings again after this hello.
    for (const call of [...this.incoming.keys()]) this.drop(call)
    this.refused('failed')
    this.over('lost')
    this.changed()
  }

  /** Tells the mesh; both may be repeated safely, so that only the end of the session keeps it from being told. */
  private async request(op: 'answer' | 'hangup', call: string, reason?: 'declined' | 'busy'): Promise<void> {
    const { signal } = this.options
    const asked = op === 'answer' ? signal.request('answer', { call, accept: false, ...(reason && { reason }) }) : signal.request('hangup', { call })
    // Answered or ended by somebody else meanwhile: that is what was wanted.
    await asked.catch(() => undefined)
  }

  private waits(): boolean {
    return this.outgoing?.state === 'calling' || this.outgoing?.state === 'ringing'
  }

  private engaged(): boolean {
    return this.current !== null || this.inRoom
  }

  private setOutgoing(outgoing: OutgoingCall | null): void {
    if (!outgoing) this.clock.end(this.outgoing?.call ?? null)
    this.outgoing = outgoing
    this.changed()
  }

  private setAnswering(ring: IncomingCall & { room: string }, answering: boolean): void {
    this.incoming.set(ring.call, { ...ring, answering })
    this.changed()
  }

  private drop(call: string): void {
    this.clock.end(call)
    this.incoming.delete(call)
  }

  /** Tells listeners, once however much changes in one turn. */
  private changed(): void {
    if (this.telling) return
    this.telling = true
    queueMicrotask(() => {
      this.telling = false
      this.listeners.emit(this.snapshot())
    })
  }
}
