import { describe, expect, it } from 'vitest'
import { createWords, preferredLanguage, regional } from '.'
import { en } from './en'
import { zh } from './zh'

// Every source file but this folder's, as text.
const sources = Object.entries(
  import.meta.glob<string>(['../**/*.{ts,vue}', '!./**', '!../**/*.test.ts'], {
    query: '?raw',
    import: 'default',
    eager: true,
  }),
)
const everything = sources.map(([, text]) => text).join('\n')
const holes = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]))].sort()

describe('the words of the page', () => {
  it('has the same keys in both languages', () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort())
  })

  it('fills the same holes in both languages', () => {
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      expect(holes(zh[key]), key).toEqual(holes(en[key]))
    }
  })

  it('leaves no message empty, and none English in the Chinese', () => {
    for (const [key, text] of Object.entries(zh)) {
      expect(text.trim(), key).not.toBe('')
      if (!['app.name', 'app.title.room'].includes(key)) expect(text, key).toMatch(/[\u4e00-\u9fff]/)
    }
  })

  it('uses every key somewhere', () => {
    expect(sources.length).toBeGreaterThan(10)
    const unused = Object.keys(en).filter((key) => !everything.includes(`'${key}'`))
    expect(unused).toEqual([])
  })

  it('knows every key that is used', () => {
    const used = [...everything.matchAll(/\bsay\(\s*'([^']+)'/g)].map((m) => m[1]!)
    expect(used.length).toBeGreaterThan(30)
    expect(used.filter((key) => !(key in en))).toEqual([])
  })

  it('compiles every message, in both languages', () => {
    for (const language of ['en', 'zh'] as const) {
      const { t } = createWords(language).global
      for (const [key, text] of Object.entries(language === 'en' ? en : zh)) {
        const named = Object.fromEntries(holes(text).map((hole) => [hole, `<${hole}>`]))
        const said = t(key, named)
        expect(said, key).not.toBe(key)
        expect(said, key).not.toMatch(/[{}|]/)
      }
    }
  })
})

describe('the language', () => {
  it('follows what another tab chooses, and nothing else that is kept', () => {
    const { locale } = createWords('en').global
    dispatchEvent(new StorageEvent('storage', { key: 'callmesh.name', newValue: 'zh' }))
    dispatchEvent(new StorageEvent('storage', { key: 'callmesh.language', newValue: 'fr' }))
    expect(locale.value).toBe('en')
    dispatchEvent(new StorageEvent('storage', { key: 'callmesh.language', newValue: 'zh' }))
    expect([locale.value, document.documentElement.lang]).toEqual(['zh', 'zh-CN'])
  })

  it('is the first of the browser’s that the page speaks', () => {
    expect(preferredLanguage(['fr-FR', 'zh-TW', 'en-US'])).toBe('zh')
    expect(preferredLanguage(['EN-gb', 'zh'])).toBe('en')
    expect(preferredLanguage(['de', 'fr'])).toBe('en')
    expect(preferredLanguage([])).toBe('en')
  })

  it('is written as in the reader’s region', () => {
    expect(regional('en', ['zh-TW', 'en-GB', 'en-US'])).toBe('en-GB')
    expect(regional('zh', ['zh-TW', 'en-GB'])).toBe('zh-TW')
    expect(regional('zh', ['de'])).toBe('zh')
  })
})
