import { describe, expect, it } from 'vitest'
import { cleanTitle, downloadName, matches, type LibraryItem } from './item'

const item = { title: 'Stand-up 晨会', who: ['Ada Lovelace', '王小明'] } as LibraryItem

describe('looking for an item', () => {
  it('finds words of its title and of names, in any order and case', () => {
    expect(matches(item, 'ADA stand')).toBe(true)
    expect(matches(item, '小明')).toBe(true)
    expect(matches(item, '  ')).toBe(true)
    expect(matches(item, 'ada bo')).toBe(false)
  })
})

describe('a title', () => {
  it('is one line with an end, and not empty', () => {
    expect(cleanTitle('  a\nb\u0000c ')).toBe('a b c')
    expect(cleanTitle(' \t ')).toBe(null)
    expect([...cleanTitle('名'.repeat(999))!].length).toBe(120)
  })
})

describe('the name of a download', () => {
  const at = new Date(2026, 10, 5, 9, 7).getTime()
  it('is the title and when, with nothing that a system would refuse', () => {
    expect(downloadName({ title: '晨会', at }, 'webm')).toBe('晨会 2026-11-05 09.07.webm')
    expect(downloadName({ title: '../../etc/passwd', at }, 'mp4')).toBe('etc passwd 2026-11-05 09.07.mp4')
    expect(downloadName({ title: 'a<b>:"c"|d?*\u202Egpj.exe', at }, 'png')).toBe('a b c d gpj.exe 2026-11-05 09.07.png')
    expect(downloadName({ title: '...', at }, 'png')).toBe('callmesh 2026-11-05 09.07.png')
  })
})
