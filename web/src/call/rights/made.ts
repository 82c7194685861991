// Rooms that whoever made them moderates: the room's id is a hash of a secret that stays with its maker (PROTOCOL.md, "Rooms that their maker moderates").

/** RFC 4648 §6, in lower case. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const CHARS = 26

/** Whether the id has the form of a room that its maker moderates. */
export function isMade(room: string): boolean {
  return /^m-[a-z2-7]{26}$/.test(room)
}

/** The id of the room that is moderated by whoever knows the secret, 16 to 128 bytes of printable ASCII. Needs a secure context. */
export async function madeRoom(secret: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`callmesh room\n${secret}`)))
  let bits = 0
  let held = 0
  let id = ''
  for (const byte of hash) {
    held = ((held << 8) | byte) & 0xffff
    for (bits += 8; bits >= 5; bits -= 5) id += BASE32[(held >> (bits - 5)) & 31]
  }
  return `m-${id.slice(0, CHARS)}`
}

/** A secret that nobody guesses, 160 bits. */
export function newSecret(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => BASE32[byte & 31]).join('')
}
