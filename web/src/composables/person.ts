// How a person without a picture is shown: by initials, on a ground that stays theirs.

/** Number of --person-N colours in tokens.css. */
const GROUNDS = 8

const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Up to two letters; of a Chinese name the last two characters, as people there shorten it. */
export function initials(name: string): string {
  const letters = (text: string) => [...segments.segment(text)].map((s) => s.segment)
  const words = name.trim().split(/\s+/)
  const first = words[0] ?? ''
  if (first === '') return '?'
  if (/\p{Script=Han}/u.test(first)) return letters(words.join('')).slice(-2).join('')
  const last = words.length > 1 ? words[words.length - 1]! : ''
  return ((letters(first)[0] ?? '') + (letters(last)[0] ?? '')).toLocaleUpperCase()
}

/** The class of the person's ground, the same on every screen. */
export function personGround(user: string): string {
  let hash = 0
  for (const character of user) hash = (hash * 31 + character.codePointAt(0)!) >>> 0
  return `person-${hash % GROUNDS}`
}
