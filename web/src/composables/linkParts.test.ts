import { describe, expect, it } from 'vitest'
import { linkParts } from './linkParts'

const links = (text: string) => linkParts(text).flatMap((part) => (part.href ? [part.text] : []))

describe('links in a message', () => {
  it.each<[string, string[]]>([
    ['no link here', []],
    ['see https://a.example/x?y=1#z now', ['https://a.example/x?y=1#z']],
    ['(see https://a.example/x).', ['https://a.example/x']],
    ['https://a.example/Lie_(algebra)', ['https://a.example/Lie_(algebra)']],
    ['看 https://a.example/x，然后来', ['https://a.example/x']],
    ['HTTP://A.EXAMPLE and http://b.example!', ['HTTP://A.EXAMPLE', 'http://b.example']],
    ['"https://a.example"', ['https://a.example']],
    ['javascript:alert(1)', []],
    ['data:text/html,<script>1</script>', []],
    ['https://', []],
    ['https://...', []],
    ['xhttps://a.example', []],
  ])('%s', (text, expected) => {
    expect(links(text)).toEqual(expected)
  })

  it('loses nothing of the text', () => {
    for (const text of ['', 'a https://b.example. c', 'https://a.example', '<b>https://a.example</b>']) {
      expect(linkParts(text).map((part) => part.text).join('')).toBe(text)
    }
  })

  it('leaves markup as text', () => {
    expect(linkParts('<img src=x onerror=alert(1)>')).toEqual([{ text: '<img src=x onerror=alert(1)>' }])
  })
})
