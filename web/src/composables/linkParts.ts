// Links in what people write. The text is cut into parts that a view renders as text nodes and anchors, so nothing in it is ever read as HTML.

export type Part = { text: string; href?: string }

// Stops at spaces, quotes, angle brackets, and at Chinese punctuation, which no address contains but which follows one without a space.
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`，。；：！？、（）「」《》“”]+/giu

/** The text as a list of plain parts and links; joined again they are the text. */
export function linkParts(text: string): Part[] {
  const parts: Part[] = []
  let from = 0
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0])
    const href = safe(address)
    if (href === null) continue
    if (match.index > from) parts.push({ text: text.slice(from, match.index) })
    parts.push({ text: address, href })
    from = match.index + address.length
  }
  if (from < text.length) parts.push({ text: text.slice(from) })
  return parts
}

/** Without the punctuation of the sentence around it; a closing bracket stays if it was opened inside. */
function trimmed(address: string): string {
  for (;;) {
    const last = address.at(-1)!
    const unpaired = (open: string) => last !== open && !address.slice(0, -1).includes(open)
    if ('.,;:!?*_~'.includes(last) || (last === ')' && unpaired('(')) || (last === ']' && unpaired('['))) {
      address = address.slice(0, -1)
    } else {
      return address
    }
  }
}

/** The address if it is http or https with a host, else null: `javascript:` and its kin never become links. */
function safe(address: string): string | null {
  try {
    const url = new URL(address)
    return (url.protocol === 'http:' || url.protocol === 'https:') && url.host !== '' ? url.href : null
  } catch {
    return null
  }
}
