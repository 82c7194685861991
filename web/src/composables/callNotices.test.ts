import { describe, expect, it } from 'vitest'
import type { Path, PeerView, RoomSnapshot } from '@/call/state'
import { callNotices } from './callNotices'

const base: RoomSnapshot = {
  room: 'r',
  signal: 'open',
  self: null,
  joined: true,
  sends: { microphone: true, camera: true, screen: false, screenSound: false },
  status: { hand: false, recording: false },
  peers: [],
  chat: [],
  earlier: 'none',
  files: [],
  error: null,
}

function peer(name: string, rttMs: number, direct = true): PeerView {
  const path: Path = { kind: direct ? 'host' : 'relay', direct, protocol: 'udp', rttMs }
  return { peer: name, user: { id: name, name }, link: 'connected', path } as PeerView
}

const calm = { away: true, recovered: false, renamed: false, soundBlocked: false }

function ids(room: Partial<RoomSnapshot>, more: Partial<Omit<Parameters<typeof callNotices>[0], 'room'>> = {}) {
  return callNotices({ ...calm, room: { ...base, ...room }, ...more }).map((notice) => notice.id)
}

describe('notices over the call', () => {
  it('are none in a good call', () => {
    expect(ids({ peers: [peer('Bo', 40)] })).toEqual([])
  })

  it('tell how it stands with the mesh', () => {
    expect(ids({ signal: 'connecting', joined: false })).toEqual(['connecting'])
    expect(ids({ joined: false })).toEqual(['connecting'])
    expect(ids({ signal: 'reconnecting' }, { recovered: true })).toEqual(['reconnecting'])
    expect(ids({}, { recovered: true })).toEqual(['recovered'])
    expect(ids({ signal: 'reconnecting' }, { away: false })).toEqual([])
    expect(ids({ signal: 'closed' })).toEqual([])
    expect(ids({}, { renamed: true })).toEqual(['new-guest'])
  })

  it('put what the reader must do first', () => {
    const sends = { ...base.sends, screen: true }
    expect(ids({ signal: 'reconnecting', sends }, { soundBlocked: true })).toEqual(['hear', 'reconnecting', 'sharing'])
  })
})
