import { writeFile } from 'node:fs/promises'

export interface Size {
  width: number
  height: number
}

/** Writes what Chromium takes for a camera (YUV4MPEG2, 4:2:0): it plays the frames, in I420, again and again. */
export async function writeY4M(path: string, size: Size, framesPerSecond: number, frames: Uint8Array[]): Promise<void> {
  const header = Buffer.from(`YUV4MPEG2 W${size.width} H${size.height} F${framesPerSecond}:1 Ip A1:1 C420\n`)
  await writeFile(path, Buffer.concat([header, ...frames.flatMap((frame) => [Buffer.from('FRAME\n'), frame])]))
}

/** A gradient with a square that wanders over it: something to encode, and cheap. */
export function testFrames({ width, height }: Size, count: number): Uint8Array[] {
  const side = height / 4
  return Array.from({ length: count }, (_, n) => {
    const frame = new Uint8Array((width * height * 3) / 2).fill(128)
    const left = ((width - side) * n) / count
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inSquare = x >= left && x < left + side && y >= side && y < 2 * side
        frame[y * width + x] = inSquare ? 220 : 40 + (100 * (x + y)) / (width + height)
      }
    }
    // One colour above, another below.
    frame.fill(100, width * height, width * height * 1.125)
    return frame
  })
}

/** Grain, which no codec makes small: whoever sends it takes all that they may. The same each time. */
export function grainFrames({ width, height }: Size, count: number): Uint8Array[] {
  // Xorshift (Marsaglia 2003), of 32 bits.
  let state = 2_463_534_242
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 24
  }
  return Array.from({ length: count }, () => {
    const frame = new Uint8Array((width * height * 3) / 2).fill(128)
    for (let i = 0; i < width * height; i++) frame[i] = 64 + (next() >> 1)
    return frame
  })
}
