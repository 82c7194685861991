import type { Greeting, SignalClient } from '../../signal/client'
import { asWireError } from '../../signal/errors'
import type { WireError } from '../../signal/errors'
import { Listeners } from '../../signal/listeners'
import type { Contact, ContactAction, ContactState, User } from '../../wire/wire.gen'

export interface Person {
  user: User
  /** `asked`: they have not answered us; `asks`: they wait for our answer; `blocked`: by us, which they do not learn. */
  state: Exclude<ContactState, 'none'>
  /** Unix ms of the latest change. */
  at: number
  /** Null while it is not known, and of whom we are no mutual contact of. */
  online: boolean | null
}

export interface ContactsSnapshot {
  people: Person[]
  /** Whether the list has been read since the session began. */
  loaded: boolean
  /** Why it could not be. */
  error: WireError['code'] | null
}

export interface Invitation {
  code: string
  /** Unix ms. */
  expiresAt: number
}

const MOST_ENDED = 100
const RETRY_MS = 5_000
const PASSING: ReadonlySet<WireError['code']> = new Set(['unavailable', 'internal', 'rate_limited'])

/** Whom the reader knows: contacts by the consent of both, those who asked, those who are blocked; and who of the contacts is online. */
export class Contacts {
  private readonly signal: Pick<SignalClient, 'request' | 'on' | 'onHello' | 'hello' | 'state'>
  private readonly listeners = new Listeners<ContactsSnapshot>()
  private readonly ends: (() => void)[]
  private readonly people = new Map<string, Person>()
  /** Those who are no contacts any more, and since when: what is older than that may still come. */
  private readonly ended = new Map<string, number>()
  private readonly watched = new Set<string>()
  private loaded = false
  private error: WireError['code'] | null = null
  private retry: ReturnType<typeof setTimeout> | undefined
  private reading = 0

  constructor(signal: Contacts['signal']) {
    this.signal = signal
    this.ends = [
      signal.on('contact', ({ user, state, at = Date.now() }) => this.set({ user, state, at })),
      signal.on('presence', ({ user, online }) => this.seen(user, online)),
      signal.onHello((greeting) => this.greeted(greeting)),
    ]
    if (signal.hello) void this.read()
  }

  close(): void {
    this.ends.forEach((end) => end())
    clearTimeout(this.retry)
    this.reading++
  }

  /** Tells the state now and after every change, until the returned function is called. */
  subscribe(listener: (snapshot: ContactsSnapshot) => void): () => void {
    const end = this.listeners.add(listener)
    listener(this.snapshot())
    return end
  }

  snapshot(): ContactsSnapshot {
    return { people: [...this.people.values()], loaded: this.loaded, error: this.error }
  }

  isContact(user: string): boolean {
    return this.people.get(user)?.state === 'mutual'
  }

  /** Does something about somebody; resolves with what they are to us now. Rejects with a WireError. */
  async change(user: string, action: ContactAction, invite?: string): Promise<Contact> {
    const { contact } = await this.signal.request('contact', { user, action, ...(invite !== undefined && { invite }) })
    this.set(contact)
    return contact
  }

  /** A fresh invitation: whoever brings it is a mutual contact at once. */
  invite(): Promise<Invitation> {
    return this.signal.request('invite', {})
  }

  /** Whose invitation it is. Rejects with `gone` for one that has expired or is none. */
  async invited(code: string): Promise<User> {
    return (await this.signal.request('invited', { code })).user
  }

  /** Reads the list anew. */
  async read(): Promise<void> {
    clearTimeout(this.retry)
    const turn = ++this.reading
    try {
      const { contacts } = await this.signal.request('contacts', {})
      if (turn !== this.reading) return
      const before = new Map(this.people)
      this.people.clear()
      for (const { user, state, at } of contacts) {
        if (state !== 'none') this.people.set(user.id, { user, state, at, online: before.get(user.id)?.online ?? null })
      }
      this.loaded = true
      this.error = null
      this.changed()
      void this.watch()
    } catch (thrown) {
      if (turn !== this.reading) return
      this.error = asWireError(thrown).code
      this.changed()
      if (PASSING.has(this.error) && this.signal.state !== 'closed') this.retry = setTimeout(() => void this.read(), RETRY_MS)
    }
  }

  private greeted({ kind }: Greeting): void {
    // A session that goes on gets what it missed, and its watches are told anew.
    if (kind === 'resumed') return
    if (kind !== 'gap') this.watched.clear()
    void this.read()
  }

  private set({ user, state, at }: Pick<Contact, 'user' | 'state' | 'at'>): void {
    const before = this.people.get(user.id)
    // Two that are told at once may come in either order.
    if (at < (before?.at ?? this.ended.get(user.id) ?? 0)) return
    this.people.delete(user.id)
    this.ended.delete(user.id)
    if (state === 'none') this.end(user.id, at)
    else this.people.set(user.id, { user, state, at, online: state === 'mutual' ? (before?.online ?? null) : null })
    this.changed()
    if (state === 'mutual') void this.watch()
  }

  private end(user: string, at: number): void {
    this.ended.set(user, at)
    const [oldest] = this.ended.keys()
    if (this.ended.size > MOST_ENDED && oldest !== undefined) this.ended.delete(oldest)
  }

  /** Asks who of the contacts is online, and to be told from then on; as many as the mesh lets a session watch. */
  private async watch(): Promise<void> {
    const most = this.signal.hello?.limits.presence ?? 256
    const fresh = [...this.people.values()].filter(({ state, user }) => state === 'mutual' && !this.watched.has(user.id))
    const users = fresh.map(({ user }) => user.id).slice(0, Math.max(0, most - this.watched.size))
    if (!users.length) return
    users.forEach((user) => this.watched.add(user))
    try {
      const { online } = await this.signal.request('presence', { users })
      for (const [user, is] of Object.entries(online)) this.seen(user, is)
    } catch {
      // Nobody is shown as online; the next reading asks again.
      users.forEach((user) => this.watched.delete(user))
    }
  }

  private seen(user: string, online: boolean): void {
    const person = this.people.get(user)
    if (!person || person.state !== 'mutual' || person.online === online) return
    this.people.set(user, { ...person, online })
    this.changed()
  }

  private changed(): void {
    this.listeners.emit(this.snapshot())
  }
}
