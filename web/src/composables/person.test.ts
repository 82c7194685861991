import { describe, expect, it } from 'vitest'
import { initials, personGround } from './person'

describe('initials', () => {
  it.each([
    ['Ada', 'A'],
    ['ada lovelace', 'AL'],
    ['Ada King of Lovelace', 'AL'],
    ['王小明', '小明'],
    ['李 雷', '李雷'],
    ['👩‍👩‍👧 family', '👩‍👩‍👧F'],
    ['', '?'],
    ['  ', '?'],
  ])('of %s are %s', (name, expected) => {
    expect(initials(name)).toBe(expected)
  })
})

describe('the ground', () => {
  it('stays the same for a user and is one of eight', () => {
    expect(personGround('u-1')).toBe(personGround('u-1'))
    const seen = new Set(Array.from({ length: 100 }, (_, n) => personGround(`user-${n}`)))
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((n) => `person-${n}`))
  })
})
