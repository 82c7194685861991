// Names of rooms: making one that nobody can guess, and reading one from what a person typed or pasted.

/** Longest room id on the wire, in bytes of UTF-8. */
const MAX_BYTES = 128

// Without letters and digits that are mistaken for one another, so that a name can be read out on the phone.
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'

/**
 * A fresh room name such as `kxm4-q7wd-9bnh`: 12 of 31 characters, 59 bits. Who knows the name can enter, so it must not be guessable.
 */
export function newRoomName(random: (bytes: Uint8Array<ArrayBuffer>) => void = (bytes) => crypto.getRandomValues(bytes)): string {
  const fair = 256 - (256 % ALPHABET.length)
  let name = ''
  while (name.length < 12) {
    const bytes = new Uint8Array(24)
    random(bytes)
    for (const byte of bytes) {
      // A byte above the last whole multiple would make the first letters likelier.
      if (byte < fair && name.length < 12) name += ALPHABET[byte % ALPHABET.length]
    }
  }
  return `${name.slice(0, 4)}-${name.slice(4, 8)}-${name.slice(8)}`
}

/** The page's path for a room. */
export function roomPath(room: string): string {
  return `/r/${encodeURIComponent(room)}`
}

/** The link to send to others. */
export function roomLink(room: string, origin: string = location.origin): string {
  return origin + roomPath(room)
}

export type RoomProblem = 'empty' | 'tooLong' | 'unusable' | 'foreign'

export type RoomInput = { room: string } | { problem: RoomProblem; host?: string }

/** Whether a link leads to the machine that it is opened on: nobody else gets anywhere with it. */
export function isLoopback(link: string): boolean {
  const { hostname } = new URL(link)
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

/** Why there can be no room of this name; null if there can. */
export function roomProblem(room: string): RoomProblem | null {
  const read = checked(room)
  return 'problem' in read ? read.problem : null
}

/** What the person meant by `input`: a link to a room on this site, or a room's name. */
export function readRoom(input: string, origin: string = location.origin): RoomInput {
  const text = input.trim()
  if (text === '') return { problem: 'empty' }
  const link = asLink(text, origin)
  if (link === null) return checked(text)
  if (link.origin !== origin) return { problem: 'foreign', host: link.host }
  const match = /^\/r\/([^/]+)\/?$/.exec(link.pathname)
  if (!match) return { problem: 'empty' }
  try {
    return checked(decodeURIComponent(match[1]!))
  } catch {
    return { problem: 'unusable' } // a stray % that decodes to nothing
  }
}

function asLink(text: string, origin: string): URL | null {
  const bare = new URL(origin).host + '/'
  if (text.startsWith(bare)) text = `${new URL(origin).protocol}//${text}`
  if (text.startsWith('/r/')) text = origin + text
  if (!/^https?:\/\//i.test(text)) return null
  try {
    return new URL(text)
  } catch {
    return null
  }
}

function checked(room: string): RoomInput {
  if (new TextEncoder().encode(room).length > MAX_BYTES) return { problem: 'tooLong' }
  // The wire refuses control characters, and half a surrogate pair is not UTF-8. In a path, browsers resolve . and .. away, encoded or not.
  if (/[\p{Cc}\p{Cs}]/u.test(room) || room === '.' || room === '..') return { problem: 'unusable' }
  return { room }
}
