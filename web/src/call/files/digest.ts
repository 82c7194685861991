import { BLOCK } from './frames'

type Bytes = Uint8Array<ArrayBuffer>

/**
 * The hash of a file, made block by block, in any order and more than once, as a transfer that breaks and goes on needs it. (The browser's own SHA-256
 * wants all bytes at once; see frames.ts for what is hashed instead.)
 */
export class BlockDigest {
  private readonly blocks: (Bytes | undefined)[]

  /** `size` of the file in bytes. */
  constructor(size: number) {
    this.blocks = new Array<Bytes | undefined>(Math.ceil(size / BLOCK)).fill(undefined)
  }

  /** Takes the block that begins at a position. */
  async add(position: number, block: Bytes): Promise<void> {
    this.blocks[position / BLOCK] = await sha256(block)
  }

  /** Where blocks begin that were not added. */
  missing(): number[] {
    return this.blocks.flatMap((block, index) => (block === undefined ? [index * BLOCK] : []))
  }

  /** To be asked when none is missing. */
  async hash(): Promise<Bytes> {
    const all = new Uint8Array(this.blocks.length * 32)
    this.blocks.forEach((block, index) => block && all.set(block, index * 32))
    return sha256(all)
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}
