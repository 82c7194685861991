import { effectScope, shallowRef, watch, type EffectScope, type ShallowRef } from 'vue'
import { Contacts, type ContactsSnapshot } from '@/call/people/contacts'
import { Ringing } from '@/call/ringing/ringing'
import type { RingingSnapshot } from '@/call/ringing/state'
import type { SignalState } from '@/call/state'
import { SignalClient } from '@/signal/client'
import { bindPage } from '@/signal/page'
import { recordCall } from './callHistory'
import { hasGivenToken, identity, isKnown, SECRET_KEY, shutOut } from './identity'
import { keptName, useName } from './useName'

/** The reader, as the mesh knows them: one line, its ringing and its contacts, which all that the page shows has in common. */
export interface Session {
  readonly signal: SignalClient
  readonly ringing: Ringing
  readonly contacts: Contacts
  /** Of the contacts, now. */
  readonly people: Readonly<ShallowRef<ContactsSnapshot>>
  /** Of the ringing, now. */
  readonly calls: Readonly<ShallowRef<RingingSnapshot>>
  readonly line: Readonly<ShallowRef<SignalState>>
}

interface Running extends Session {
  /** Whom it was opened for; a given token brings its own name. */
  name: string
  end(): void
}

const current = shallowRef<Running | null>(null)

/** The session there is; null while nobody is known. Another takes its place when the reader becomes somebody else. */
export const session: Readonly<ShallowRef<Session | null>> = current

/** The session for the reader by this name: the one there is, or a new one if that is another's or has come to an end. */
export function openSession(name: string): Session {
  const known = hasGivenToken() ? '' : name
  const there = current.value
  if (there?.name === known && there.signal.state !== 'closed') return there
  endSession()
  return (current.value = begin(known, name))
}

/** Ends it, as the page's end does: others see the reader go. */
export function endSession(): void {
  current.value?.end()
  current.value = null
}

/** Whoever has been here before can be reached from the moment when the page opens. A newcomer's session waits until they have a name. */
export async function openKnownSession(): Promise<void> {
  const name = (useName().value ?? '').trim()
  if (current.value || !isKnown() || (name === '' && !hasGivenToken())) return
  // Guests that are no longer let in would be refused again and again.
  if (!(await shutOut()) && !current.value) openSession(name)
}

/** Goes along when another tab of this browser has become somebody, or somebody else. Returns the end of it. */
export function followOtherTabs(page: Pick<Window, 'addEventListener' | 'removeEventListener'> = window): () => void {
  const follow = (event: StorageEvent) => {
    const calls = current.value?.calls.value
    if (event.key !== SECRET_KEY || event.newValue === event.oldValue || calls?.current || calls?.outgoing) return
    useName().value = keptName()
    endSession()
    void openKnownSession()
  }
  page.addEventListener('storage', follow as EventListener)
  return () => page.removeEventListener('storage', follow as EventListener)
}

function begin(known: string, name: string): Running {
  const signal = new SignalClient({ url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/ws`, token: identity(name) })
  const ringing = new Ringing({ signal, record: (entry) => void recordCall(signal.hello?.user.id ?? '', entry) })
  const contacts = new Contacts(signal)
  const calls = shallowRef(ringing.snapshot())
  const people = shallowRef(contacts.snapshot())
  const line = shallowRef(signal.state)
  const unbind = bindPage(signal)
  const ends = [
    ringing.subscribe((now) => (calls.value = now)),
    contacts.subscribe((now) => (people.value = now)),
    signal.onState((now) => (line.value = now)),
    unbind,
    () => ringing.close(),
    () => contacts.close(),
    () => signal.close(),
  ]
  signal.start()
  return { name: known, signal, ringing, contacts, calls, people, line, end: () => ends.forEach((end) => end()) }
}

/** Runs `act` for the session there is and for every later one, each in a scope that ends with it. */
export function forEachSession(act: (session: Session) => void): void {
  let scope: EffectScope | null = null
  watch(
    session,
    (now) => {
      scope?.stop()
      scope = null
      if (!now) return
      scope = effectScope()
      scope.run(() => act(now))
    },
    { immediate: true },
  )
}
