// What is whole of a WebM whose writing was cut off anywhere, a block or a header in two pieces included.
// Readers give up a last cluster that does not end well, which can be seconds; this ends it behind its last whole block.

const SEGMENT = 0x18538067
const CLUSTER = 0x1f43b675
/** A cluster that goes on until something else begins (RFC 8794 §6.2). */
const ENDLESS_CLUSTER = Uint8Array.from([0x1f, 0x43, 0xb6, 0x75, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
/** An id has up to 4 bytes here, a size up to 8. */
const LONGEST_HEADER = 12
const WINDOW_BYTES = 1 << 18

interface Header {
  id: number
  /** Null if it says that it doesn't know. */
  size: number | null
  length: number
}

/** The recording up to its last whole block, as a view of the same file. */
export async function wholePart(file: Blob): Promise<Blob> {
  const reader = new Windowed(file)
  let cluster: { at: number; body: number; end: number } | null = null
  let at = 0
  for (;;) {
    const header = readHeader(await reader.bytes(at))
    if (!header) break
    const body = at + header.length
    if (header.id === CLUSTER) {
      cluster = { at, body, end: header.size === null ? body : body + header.size }
      at = body
    } else if (header.id === SEGMENT) {
      at = body
    } else {
      if (header.size === null || body + header.size > file.size) break
      at = body + header.size
    }
  }
  if (!cluster) return file.slice(0, at)
  if (at === cluster.body) return file.slice(0, cluster.at)
  if (cluster.end <= at) return file.slice(0, at)
  // It promised more than there is.
  return new Blob([file.slice(0, cluster.at), ENDLESS_CLUSTER, file.slice(cluster.body, at)], { type: file.type })
}

function readHeader(bytes: Uint8Array): Header | null {
  const idLength = vintLength(bytes[0])
  const sizeLength = vintLength(bytes[idLength])
  if (idLength === 0 || idLength > 4 || sizeLength === 0 || bytes.length < idLength + sizeLength) return null
  let id = 0
  for (let n = 0; n < idLength; n++) id = id * 256 + bytes[n]!
  const first = bytes[idLength]! & (0xff >> sizeLength)
  let size = first
  let unknown = first === 0xff >> sizeLength
  for (let n = idLength + 1; n < idLength + sizeLength; n++) {
    size = size * 256 + bytes[n]!
    unknown &&= bytes[n] === 0xff
  }
  return { id, size: unknown ? null : size, length: idLength + sizeLength }
}

/** How many bytes a number takes, by its first; 0 if there is none. */
function vintLength(first: number | undefined): number {
  return first ? Math.clz32(first) - 23 : 0
}

/** Reads a file from front to back, a piece at a time. */
class Windowed {
  private readonly file: Blob
  private start = 0
  private window = new Uint8Array(0)

  constructor(file: Blob) {
    this.file = file
  }

  /** So many bytes as a header may take, or what is left. */
  async bytes(at: number): Promise<Uint8Array> {
    const end = Math.min(at + LONGEST_HEADER, this.file.size)
    if (at < this.start || end > this.start + this.window.length) {
      this.start = at
      this.window = new Uint8Array(await this.file.slice(at, at + WINDOW_BYTES).arrayBuffer())
    }
    return this.window.subarray(at - this.start, end - this.start)
  }
}
