// What is said of files over the channel of channel.ts. All numbers are big-endian; positions and sizes are in bytes, as unsigned 64-bit integers.
//
//   byte 0   bytes 1-16   then
//   0x10     transfer     offer: UTF-8 JSON {name, size, type}. Said again on every new channel while the transfer lives: the answer to it
//                         tells where to go on
//   0x11     transfer     take: the position from which to send
//   0x12     transfer     data: the position of its first byte (8 bytes), then the bytes, at most CHUNK
//   0x13     transfer     have: the position up to which all is stored; no more than WINDOW may be under way beyond it
//   0x14     transfer     end: 32 bytes, the SHA-256 of the SHA-256 of every block (BLOCK bytes; the last may be shorter)
//   0x15     transfer     done: it is all there and the hash is right
//   0x16     transfer     stop: one byte, why; see STOPS
//
// A transfer is named by 128 random bits of its sender's. It may be continued on another channel, and after a new session of either side's, for
// as long as both pages live.

/** Bytes in one frame of data. */
export const CHUNK = 32 * 1024
/** What is stored and hashed at a time, and where a transfer that broke goes on. */
export const BLOCK = 256 * 1024
/** How far a sender may be ahead of what is stored. */
export const WINDOW = 8 * BLOCK
/** The largest file: 2 GiB. */
export const MAX_SIZE = 2 * 1024 ** 3

const ID = 16
const HASH = 32
const HEAD = 1 + ID
const MAX_OFFER = 2_048

/** Why a side ends a transfer. The number on the wire is the place in this list. */
export const STOPS = ['cancelled', 'declined', 'unreadable', 'space', 'storage', 'damaged', 'protocol'] as const
export type Stop = (typeof STOPS)[number]

export interface Offer {
  name: string
  size: number
  type: string
}

/** `id` is the transfer in hex. */
export type FileFrame = { id: string } & (
  | { kind: 'offer'; offer: Offer }
  | { kind: 'take' | 'have'; position: number }
  | { kind: 'data'; position: number; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'end'; hash: Uint8Array<ArrayBuffer> }
  | { kind: 'done' }
  | { kind: 'stop'; reason: Stop }
)

const KINDS = ['offer', 'take', 'data', 'have', 'end', 'done', 'stop'] as const
const FIRST = 0x10

export function freshTransfer(): string {
  return hex(crypto.getRandomValues(new Uint8Array(ID)))
}

export function encodeFile(frame: FileFrame): Uint8Array<ArrayBuffer> {
  switch (frame.kind) {
    case 'offer':
      return assemble(frame, new TextEncoder().encode(JSON.stringify(frame.offer)))
    case 'take':
    case 'have':
      return assemble(frame, number(frame.position))
    case 'data':
      return assemble(frame, number(frame.position), frame.bytes)
    case 'end':
      return assemble(frame, frame.hash)
    case 'done':
      return assemble(frame)
    case 'stop':
      return assemble(frame, Uint8Array.of(STOPS.indexOf(frame.reason)))
  }
}

/** Reads a frame, which is a stranger's word; null if it is none of these, or not as it must be. */
export function decodeFile(frame: Uint8Array<ArrayBuffer>): FileFrame | null {
  const kind = KINDS[(frame[0] ?? 0) - FIRST]
  if (kind === undefined || frame.length < HEAD) return null
  const id = hex(frame.subarray(1, HEAD))
  const rest = frame.subarray(HEAD)
  switch (kind) {
    case 'offer': {
      const offer = rest.length <= MAX_OFFER ? readOffer(rest) : null
      return offer && { id, kind, offer }
    }
    case 'take':
    case 'have': {
      const position = rest.length === 8 ? readPosition(rest) : null
      return position === null ? null : { id, kind, position }
    }
    case 'data': {
      const position = rest.length > 8 && rest.length <= 8 + CHUNK ? readPosition(rest) : null
      return position === null ? null : { id, kind, position, bytes: rest.subarray(8) }
    }
    case 'end':
      return rest.length === HASH ? { id, kind, hash: rest } : null
    case 'done':
      return { id, kind }
    case 'stop': {
      const reason = STOPS[rest[0] ?? -1]
      return reason === undefined ? null : { id, kind, reason }
    }
  }
}

function readOffer(bytes: Uint8Array): Offer | null {
  try {
    const { name, size, type } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>
    if (typeof name !== 'string' || typeof type !== 'string' || !Number.isSafeInteger(size)) return null
    return (size as number) >= 0 && (size as number) <= MAX_SIZE ? { name, size: size as number, type } : null
  } catch {
    return null
  }
}

function readPosition(bytes: Uint8Array): number | null {
  const position = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)
  return position <= BigInt(MAX_SIZE) ? Number(position) : null
}

function number(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}

function assemble({ kind, id }: FileFrame, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEAD + parts.reduce((sum, part) => sum + part.length, 0))
  frame[0] = FIRST + KINDS.indexOf(kind)
  for (let i = 0; i < ID; i++) frame[1 + i] = Number.parseInt(id.slice(2 * i, 2 * i + 2), 16)
  let at = HEAD
  for (const part of parts) {
    frame.set(part, at)
    at += part.length
  }
  return frame
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
