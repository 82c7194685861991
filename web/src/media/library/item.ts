/** What the library knows of one recording or picture; the bytes are in a file beside. */
export interface LibraryItem {
  id: string
  kind: 'recording' | 'picture'
  title: string
  /** Names of those who were there. */
  who: string[]
  /** Unix ms, when it began. */
  at: number
  /** Null for pictures, and where it could not be found out. */
  durationMs: number | null
  bytes: number
  /** px; both 0 where there is only sound. */
  width: number
  height: number
  /** MIME type of the file. */
  type: string
  /** The file's name in the library's folder. */
  file: string
  /** `open` while it is being written; of a page that died it stays so, until it is recovered. `deleted` while that can be taken back. */
  state: 'open' | 'kept' | 'deleted'
  /** Its page died before it was finished. */
  recovered: boolean
  /** A small JPEG. */
  thumbnail: Blob | null
}

/** What its maker knows beforehand. */
export type About = Pick<LibraryItem, 'title' | 'who'>

export function isSoundOnly(item: LibraryItem): boolean {
  return item.kind === 'recording' && item.type.startsWith('audio/')
}

/** Whether every word of the query is in the title or a name. */
export function matches(item: LibraryItem, query: string): boolean {
  const text = [item.title, ...item.who].join('\n').toLocaleLowerCase()
  return query.toLocaleLowerCase().split(/\s+/).every((word) => text.includes(word))
}

const LONGEST_TITLE = 120

/** A title as it is kept: one line, not endless; null if nothing is left. */
export function cleanTitle(title: string): string | null {
  const line = [...title.replace(/\p{Cc}+/gu, ' ').trim()].slice(0, LONGEST_TITLE).join('').trim()
  return line === '' ? null : line
}

/** A name for a downloaded file that every system takes, from a title that anybody may have chosen. */
export function downloadName(item: Pick<LibraryItem, 'title' | 'at'>, ending: string): string {
  const stem = [...item.title.replace(/[\p{C}\\/:*?"<>|]+/gu, ' ').replace(/\s+/g, ' ').replace(/^[. ]+/, '')].slice(0, 60).join('').replace(/[. ]+$/, '')
  const at = new Date(item.at)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}.${two(at.getMinutes())}`
  return `${stem === '' ? 'callmesh' : stem} ${day}.${ending}`
}
