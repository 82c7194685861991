import { describe, expect, it } from 'vitest'
import { isLoopback, newRoomName, readRoom, roomLink, roomPath, roomProblem } from './roomName'

const HERE = 'https://call.example:8443'

describe('a new room name', () => {
  it('is three groups of four plain characters, and another one each time', () => {
    const names = Array.from({ length: 50 }, () => newRoomName())
    for (const name of names) expect(name).toMatch(/^[a-hj-km-np-z2-9]{4}(-[a-hj-km-np-z2-9]{4}){2}$/)
    expect(new Set(names).size).toBe(50)
  })

  it('passes over the bytes that would favour the first letters', () => {
    let round = 0
    expect(newRoomName((bytes) => bytes.fill(round++ === 0 ? 255 : 1))).toBe('bbbb-bbbb-bbbb')
  })
})

describe('what a person typed', () => {
  it.each([
    ['standup', 'standup'],
    ['  standup ', 'standup'],
    ['周会 / 一组', '周会 / 一组'],
    [`${HERE}/r/standup`, 'standup'],
    [`${HERE}/r/standup/?x=1#y`, 'standup'],
    ['call.example:8443/r/standup', 'standup'],
    ['/r/standup', 'standup'],
    [`${HERE}/r/a%2Fb%20%F0%9F%98%80`, 'a/b 😀'],
  ])('%s means the room %s', (input, room) => {
    expect(readRoom(input, HERE)).toEqual({ room })
  })

  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    [HERE, 'empty'],
    ['x'.repeat(129), 'tooLong'],
    ['房'.repeat(43), 'tooLong'],
    ['a\u0007b', 'unusable'],
    ['a\ud800b', 'unusable'],
    ['..', 'unusable'],
    [`${HERE}/r/%E0%A4`, 'unusable'],
  ])('%s is %s', (input, problem) => {
    expect(readRoom(input, HERE)).toEqual({ problem })
  })

  it('names the other site of a foreign link', () => {
    expect(readRoom('https://evil.example/r/standup', HERE)).toEqual({ problem: 'foreign', host: 'evil.example' })
    expect(readRoom('http://call.example:8443/r/standup', HERE)).toMatchObject({ problem: 'foreign' })
  })
})

describe('a link', () => {
  it('reads back as the same room, whatever is in the name', () => {
    for (const room of ['a b', 'a/b', '100%', '#1?', '周会', 'x'.repeat(128)]) {
      expect(readRoom(roomLink(room, HERE), HERE)).toEqual({ room })
      expect(roomPath(room)).toMatch(/^\/r\/[^/?#]+$/)
    }
  })
})

describe('a link that was opened', () => {
  it('is refused where no room can have such a name', () => {
    expect(roomProblem('tea-at-five')).toBeNull()
    expect(roomProblem('茶'.repeat(42))).toBeNull()
    expect(roomProblem('茶'.repeat(43))).toBe('tooLong')
    expect(roomProblem('a\u0000b')).toBe('unusable')
  })

  it('is known to lead nowhere for others', () => {
    for (const here of ['http://localhost:8443/r/a', 'http://call.localhost/r/a', 'http://127.0.0.1:8443/r/a', 'http://[::1]/r/a']) expect(isLoopback(here)).toBe(true)
    for (const there of ['https://call.example/r/localhost', 'http://192.168.1.4:8443/r/a', 'https://localhost.example/']) expect(isLoopback(there)).toBe(false)
  })
})
