// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeEdge, HELLO, type FakeSocket } from '../../signal/signaltest/fakeEdge'
import { SignalClient } from '../../signal/client'
import { Contacts } from './contacts'

const BO = { id: 'bo', name: 'Bo' }
const CY = { id: 'cy', name: 'Cy' }

let edge: FakeEdge
let signal: SignalClient
let contacts: Contacts
let socket: FakeSocket
let mid = 0

const settle = () => vi.advanceTimersByTimeAsync(0)
const people = () => contacts.snapshot().people.map(({ user, state, online }) => `${user.name} ${state} ${online}`)
const event = async (frame: object) => {
  socket.deliver({ mid: `s:${++mid}`, ...frame })
  await settle()
}

beforeEach(async () => {
  vi.useFakeTimers()
  edge = new FakeEdge()
  edge.answers.set('contacts', () => ({ contacts: [{ user: BO, state: 'mutual', at: 10 }, { user: CY, state: 'asks', at: 5 }] }))
  edge.answers.set('presence', ({ users }) => ({ online: Object.fromEntries((users as string[]).map((user) => [user, user === 'bo'])) }))
  signal = new SignalClient({ url: 'ws://x', token: async () => 't', openWebSocket: edge.openWebSocket, random: () => 0 })
  contacts = new Contacts(signal)
  signal.start()
  await settle()
  socket = edge.greet()
  await settle()
})
afterEach(() => {
  contacts.close()
  signal.close()
  vi.useRealTimers()
})

describe('contacts', () => {
  it('are read, and those by consent of both are watched', async () => {
    expect(contacts.snapshot()).toMatchObject({ loaded: true, error: null })
    expect(people()).toEqual(['Bo mutual true', 'Cy asks null'])
    expect(socket.of('presence')).toMatchObject([{ users: ['bo'] }])
    await event({ ev: 'presence', user: 'bo', online: false })
    expect(people()[0]).toBe('Bo mutual false')
    await event({ ev: 'presence', user: 'stranger', online: true })
    expect(people()).toHaveLength(2)
  })

  it('change by what the mesh tells, and the later word counts in whatever order it comes', async () => {
    await event({ ev: 'contact', user: CY, state: 'mutual', at: 20 })
    expect(people()).toEqual(['Bo mutual true', 'Cy mutual false'])
    await event({ ev: 'contact', user: BO, state: 'none', at: 30 })
    await event({ ev: 'contact', user: BO, state: 'mutual', at: 25 })
    await event({ ev: 'contact', user: CY, state: 'asks', at: 19 })
    expect(people()).toEqual(['Cy mutual false'])
    expect(contacts.isContact('bo')).toBe(false)
  })

  it('are asked, accepted and blocked', async () => {
    edge.answers.set('contact', ({ user, action }) => ({ contact: { user: { id: user, name: 'Cy' }, state: action === 'add' ? 'mutual' : 'blocked', at: 40 } }))
    await contacts.change('cy', 'add', 'code')
    expect(socket.last('contact')).toMatchObject({ user: 'cy', action: 'add', invite: 'code' })
    expect(contacts.isContact('cy')).toBe(true)
    await contacts.change('cy', 'block')
    expect(socket.last('contact')).not.toHaveProperty('invite')
    expect(people()).toContain('Cy blocked null')
  })

  it('are read anew after a gap and in a new session, and not after a resume', async () => {
    const greet = async (hello: Partial<typeof HELLO>) => {
      socket.drop(1006)
      await vi.advanceTimersByTimeAsync(1_000)
      socket = edge.greet(hello)
      await settle()
      return socket.of('contacts').length
    }
    expect(await greet({ resumed: true })).toBe(0)
    expect(await greet({ resumed: false })).toBe(1)
    expect(await greet({ session: 'another' })).toBe(1)
    expect(socket.of('presence'), 'a new session watches nobody yet').toHaveLength(1)
  })

  it('are asked for again while the mesh cannot tell', async () => {
    edge.answers.delete('contacts')
    void contacts.read()
    await settle()
    socket.error('contacts', 'unavailable')
    await settle()
    expect(contacts.snapshot()).toMatchObject({ loaded: true, error: 'unavailable' })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(socket.of('contacts')).toHaveLength(3)
  })
})
