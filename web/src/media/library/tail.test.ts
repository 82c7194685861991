// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { wholePart } from './tail'

const UNKNOWN = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
const element = (id: number[], body: number[], size = [0x40 | (body.length >> 8), body.length & 0xff]) => [...id, ...size, ...body]
const EBML = element([0x1a, 0x45, 0xdf, 0xa3], [1, 2, 3])
const SEGMENT = [0x18, 0x53, 0x80, 0x67, ...UNKNOWN]
const TRACKS = element([0x16, 0x54, 0xae, 0x6b], new Array<number>(70).fill(7))
const time = element([0xe7], [5])
/** With bytes inside that look like a cluster. */
const block = element([0xa3], [0x81, 0x1f, 0x43, 0xb6, 0x75, 0x01, 0x02, ...new Array<number>(300).fill(9)])
const CLUSTER = [0x1f, 0x43, 0xb6, 0x75]
const bytes = async (blob: Blob) => [...new Uint8Array(await blob.arrayBuffer())]

const endless = [...CLUSTER, ...UNKNOWN, ...time, ...block, ...block]
const sized = element(CLUSTER, [...time, ...block, ...block])
const head = [...EBML, ...SEGMENT, ...TRACKS]

describe('a WebM that was cut off', () => {
  it('ends behind its last whole block, wherever it was cut, in clusters of no known length', async () => {
    const file = [...head, ...endless, ...endless]
    // Where a reader may stop: behind the tracks, behind each whole part of a cluster that has any.
    const ends = [head.length]
    for (const start of [head.length, head.length + endless.length]) {
      let at = start + CLUSTER.length + UNKNOWN.length
      for (const part of [time, block, block]) ends.push((at += part.length))
    }
    for (let size = head.length; size <= file.length; size++) {
      const whole = await bytes(await wholePart(new Blob([Uint8Array.from(file.slice(0, size))])))
      expect(whole.length, `cut at ${size}`).toBe(ends.filter((end) => end <= size).at(-1))
      expect(whole).toEqual(file.slice(0, whole.length))
    }
  })

  it('promises no more than there is, where clusters tell their length', async () => {
    const file = [...head, ...sized, ...sized]
    expect(await bytes(await wholePart(new Blob([Uint8Array.from(file)])))).toEqual(file)
    const cut = file.slice(0, file.length - 5)
    expect(await bytes(await wholePart(new Blob([Uint8Array.from(cut)])))).toEqual([...head, ...sized, ...CLUSTER, ...UNKNOWN, ...time, ...block])
  })

  it('is read in pieces, however large', async () => {
    const many = Array.from({ length: 3_000 }, () => block).flat()
    const file = new Blob([Uint8Array.from([...head, ...CLUSTER, ...UNKNOWN, ...time, ...many]), Uint8Array.from([0xa3, 0x50])])
    expect((await wholePart(file)).size).toBe(file.size - 2)
  })

  it('is nothing if it never was one', async () => {
    expect((await wholePart(new Blob(['\0\0no']))).size).toBe(0)
    expect((await wholePart(new Blob([]))).size).toBe(0)
  })
})
