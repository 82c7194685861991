// @ts-expect-error The page's types know no Node, rightly; only this test reads a file.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

// Read from the disk, since vitest hands out style sheets empty.
const tokens: string = readFileSync('src/styles/tokens.css', 'utf8')

type Palette = Record<string, string>

/** The hexadecimal colours that a block of tokens.css sets. */
function palette(selector: string): Palette {
  const start = tokens.indexOf(`${selector} {`)
  expect(start, selector).toBeGreaterThan(-1)
  const block = tokens.slice(start, tokens.indexOf('\n}', start))
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1]!, m[2]!]))
}

/** Relative luminance (WCAG 2.2). */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

const TEXT: [string, string][] = [
  ['ink', 'ground'],
  ['ink', 'surface'],
  ['ink', 'surface-sunk'],
  ['ink', 'surface-hover'],
  ['ink-soft', 'ground'],
  ['ink-soft', 'surface'],
  ['ink-soft', 'surface-sunk'],
  ['accent', 'ground'],
  ['accent', 'surface'],
  ['on-accent', 'accent'],
  ['on-accent', 'accent-hover'],
  ['on-accent-soft', 'accent-soft'],
  ['on-danger', 'danger'],
  ['on-danger', 'danger-hover'],
  ['on-danger-soft', 'danger-soft'],
  ['on-danger-soft', 'ground'],
  ['on-danger-soft', 'surface'],
  ['on-warn-soft', 'warn-soft'],
]

const EDGES: [string, string][] = [
  ['line-strong', 'surface'],
  ['line-strong', 'ground'],
  ['focus', 'ground'],
  ['focus', 'surface'],
]

describe.each(['[data-theme="light"]', '[data-theme="dark"]'])('%s', (selector) => {
  const colours = palette(selector)

  it.each(TEXT)('%s reads on %s', (ink, ground) => {
    expect(contrast(colours[ink]!, colours[ground]!)).toBeGreaterThanOrEqual(4.5)
  })

  it.each(EDGES)('%s is seen against %s', (edge, ground) => {
    expect(contrast(colours[edge]!, colours[ground]!)).toBeGreaterThanOrEqual(3)
  })
})

describe('over video', () => {
  const colours = palette(':root')
  // The scrim (72% of #080c0b) over a white picture, the worst that can lie beneath.
  const scrim = '#' + [8, 12, 11].map((c) => Math.round(c * 0.72 + 255 * 0.28).toString(16).padStart(2, '0')).join('')

  it.each(['on-scrim', 'on-scrim-soft', 'path-direct', 'path-relay', 'path-none'])('%s reads on the scrim', (ink) => {
    expect(contrast(colours[ink]!, scrim)).toBeGreaterThanOrEqual(4.5)
  })

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('initials read on person %i', (n) => {
    expect(contrast(colours['on-person']!, colours[`person-${n}`]!)).toBeGreaterThanOrEqual(4.5)
  })
})
