import { describe, expect, it } from 'vitest'
import { faces, findEmoji, things } from './emoji'

describe('the emoji', () => {
  it('have names in both languages, no two alike', () => {
    const all = [...faces, ...things]
    for (const one of all) {
      expect(one.names.en, one.text).toMatch(/^[a-z ]+$/)
      expect(one.names.zh, one.text).toMatch(/^\p{Script=Han}+$/u)
    }
    expect(things).toHaveLength(64)
    for (const language of ['en', 'zh'] as const) expect(new Set(all.map(({ names }) => names[language])).size).toBe(all.length)
    expect(new Set(all.map(({ text }) => text)).size).toBe(all.length)
  })

  it('are found in both languages, by every word of the search', () => {
    const found = (search: string) => findEmoji(search).map(({ text }) => text)
    expect(found('hammer')).toEqual(['🔨'])
    expect(found(' 加油 ')).toEqual(['💪'])
    expect(found('Heart red')).toEqual(['❤️'])
    expect(found('🐶')).toEqual(['🐶'])
    expect(found('nothing like it')).toEqual([])
    expect(found('')).toHaveLength(faces.length + things.length)
  })
})
