import { describe, expect, it } from 'vitest'
import type { ChatLine, PeerView, RoomSnapshot } from '@/call/state'
import { roomNews } from './roomNews'

function peer(name: string, screen = false): PeerView {
  return {
    peer: `p-${name}`,
    user: { id: `u-${name}`, name },
    region: 'eu',
    status: { hand: false, recording: false },
    link: 'connected',
    path: null,
    sends: { microphone: true, camera: true, screen, screenSound: false },
    microphone: null,
    camera: null,
    screen: null,
    screenSound: null,
    speaking: false,
    level: 0,
  }
}

function line(id: string, at: number, mine = false): ChatLine {
  return { id, at, mine, from: 'u', name: 'Bo', text: `text ${id}`, state: 'sent' }
}

function room(peers: PeerView[], chat: ChatLine[] = [], joined = true): RoomSnapshot {
  return {
    room: 'r',
    signal: 'open',
    self: null,
    joined,
    sends: { microphone: true, camera: true, screen: false, screenSound: false },
    status: { hand: false, recording: false },
    peers,
    chat,
    earlier: 'none',
    files: [],
    error: null,
  }
}

describe('news of a room', () => {
  it('tells who came, who left, and who shares', () => {
    const news = roomNews(room([peer('Ada'), peer('Bo'), peer('Cy', true)]), room([peer('Bo', true), peer('Cy'), peer('Di')]), 0)
    expect(news).toEqual([
      { key: 'said.sharing', named: { name: 'Bo' } },
      { key: 'said.stopped', named: { name: 'Cy' } },
      { key: 'said.joined', named: { name: 'Di' } },
      { key: 'said.left', named: { name: 'Ada' } },
    ])
  })

  it('reads out new messages of others, not our own and not the history', () => {
    const news = roomNews(room([], [line('1', 5)]), room([], [line('0', 1), line('1', 5), line('2', 12), line('3', 13, true)]), 10)
    expect(news).toEqual([{ key: 'said.message', named: { name: 'Bo', text: 'text 2' } }])
  })

  it('is silent about joining itself', () => {
    expect(roomNews(room([], [], false), room([peer('Ada')], [line('1', 5)]), 0)).toEqual([])
  })
})
