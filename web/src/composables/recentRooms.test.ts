import { beforeEach, describe, expect, it } from 'vitest'
import { useRecentRooms } from './recentRooms'

describe('recent rooms', () => {
  beforeEach(() => localStorage.clear())

  it('keeps the latest first, each once, and at most six', () => {
    const recent = useRecentRooms()
    for (const [at, room] of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'c'].entries()) recent.visited(room, at)
    expect(recent.rooms.value.map((r) => r.room)).toEqual(['c', 'g', 'f', 'e', 'd', 'b'])
    expect(useRecentRooms().rooms.value).toEqual(recent.rooms.value)
  })

  it('forgets a room for good', () => {
    const recent = useRecentRooms()
    recent.visited('a', 1)
    recent.visited('b', 2)
    recent.forget('a')
    expect(useRecentRooms().rooms.value).toEqual([{ room: 'b', at: 2 }])
  })

  it.each(['no json', '{}', 'null', '[null, 3, {"room":""}, {"room":"a"}, {"room":"a","at":"x"}]'])('starts empty on %s', (kept) => {
    localStorage.setItem('callmesh.rooms', kept)
    expect(useRecentRooms().rooms.value).toEqual([])
  })
})
