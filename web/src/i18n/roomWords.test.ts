import { describe, expect, it } from 'vitest'
import { roomWords } from './roomWords'

const made = (n: number) => `m-${n.toString(2).padStart(26, '0').replaceAll('0', 'q').replaceAll('1', '7')}`

describe('what people call a room', () => {
  it('is what somebody typed', () => {
    for (const room of ['standup', '周会', 'm-short', 'a b', 'kxm4-q7wd']) expect(roomWords(room, 'zh')).toBe(room)
  })

  it('is two words for an id that says nothing, the same each time', () => {
    for (const room of [made(1), 'kxm4-q7wd-9bnh', 'call-0123456789abcdefghij']) {
      expect(roomWords(room, 'en')).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/)
      expect(roomWords(room, 'zh')).toMatch(/^[\u4e00-\u9fff]{3,6}$/)
      expect(roomWords(room, 'en')).toBe(roomWords(room, 'en'))
    }
  })

  it('is one thing in both languages, and seldom that of another room', () => {
    const rooms = Array.from({ length: 2_000 }, (_, n) => made(n))
    const pairs = new Set(rooms.map((room) => `${roomWords(room, 'en')} ${roomWords(room, 'zh')}`))
    expect(new Set(rooms.map((room) => roomWords(room, 'en'))).size).toBe(pairs.size)
    expect(new Set(rooms.map((room) => roomWords(room, 'zh'))).size).toBe(pairs.size)
    // Of 1536 names, 2000 draws leave about 418 out.
    expect(pairs.size).toBeGreaterThan(1_000)
  })
})
