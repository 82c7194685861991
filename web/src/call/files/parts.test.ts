// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { BlockDigest, sameBytes } from './digest'
import { BLOCK, CHUNK, decodeFile, encodeFile, freshTransfer, MAX_SIZE, STOPS, type FileFrame } from './frames'
import { safeName, safeType } from './names'
import { Speed } from './speed'

const id = freshTransfer()
const hash = Uint8Array.from({ length: 32 }, (_, i) => i)

describe('a frame of files', () => {
  const frames: FileFrame[] = [
    { id, kind: 'offer', offer: { name: '照片.png', size: MAX_SIZE, type: 'image/png' } },
    { id, kind: 'take', position: MAX_SIZE },
    { id, kind: 'data', position: 4_294_967_296 / 4, bytes: hash },
    { id, kind: 'have', position: 0 },
    { id, kind: 'end', hash },
    { id, kind: 'done' },
    ...STOPS.map((reason): FileFrame => ({ id, kind: 'stop', reason })),
  ]

  it.each(frames)('is read as it was written: $kind', (frame) => expect(decodeFile(encodeFile(frame))).toEqual(frame))

  it('has the layout that is documented', () => {
    const taken = encodeFile({ id: '00112233445566778899aabbccddeeff', kind: 'take', position: 0x01020304 })
    expect([...taken].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe('1100112233445566778899aabbccddeeff0000000001020304')
  })

  const offer = (offer: unknown) => {
    const text = new TextEncoder().encode(JSON.stringify(offer))
    return Uint8Array.from([0x10, ...new Uint8Array(16), ...text])
  }
  it.each([
    ['empty', new Uint8Array()],
    ['of no kind', new Uint8Array(40).fill(0x99)],
    ['short', Uint8Array.of(0x15, 1, 2)],
    ['data without bytes', encodeFile({ id, kind: 'data', position: 0, bytes: new Uint8Array() })],
    ['too much data', encodeFile({ id, kind: 'data', position: 0, bytes: new Uint8Array(CHUNK + 1) })],
    ['beyond the largest file', encodeFile({ id, kind: 'take', position: MAX_SIZE + 1 })],
    ['a short hash', encodeFile({ id, kind: 'end', hash: new Uint8Array(31) })],
    ['an unknown reason', Uint8Array.from([0x16, ...new Uint8Array(16), 99])],
    ['no name', offer({ size: 1, type: '' })],
    ['a negative size', offer({ name: 'x', size: -1, type: '' })],
    ['half a byte', offer({ name: 'x', size: 0.5, type: '' })],
    ['too large', offer({ name: 'x', size: MAX_SIZE + 1, type: '' })],
    ['an endless name', offer({ name: 'x'.repeat(3_000), size: 1, type: '' })],
    ['no object', offer(null)],
  ])('is not read when it is %s', (_, frame) => expect(decodeFile(frame)).toBeNull())
})

describe('a stranger’s name for a file', () => {
  it.each([
    ['report.pdf', 'report.pdf'],
    ['会议 记录.docx', '会议 记录.docx'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Windows\\evil.exe', 'evil.exe'],
    ['.bashrc', 'bashrc'],
    ['photo\u202Egpj.exe', 'photogpj.exe'],
    ['a\u0000b\nc\u200F.txt', 'abc.txt'],
    ['what?*<|>.txt', 'what_____.txt'],
    ['CON.txt', '_CON.txt'],
    ['name. . .', 'name'],
    ['', 'file'],
    ['...', 'file'],
  ])('%j is saved as %j', (name, safe) => expect(safeName(name)).toBe(safe))

  it('is cut to what file systems hold, and keeps its ending', () => {
    expect(safeName(`${'长'.repeat(200)}.tar.gz`)).toBe(`${'长'.repeat(77)}.gz`)
    expect(safeName('x'.repeat(500))).toHaveLength(80)
  })

  it('has a type only if it looks like one', () => {
    expect(['image/png', 'Text/HTML; charset=x', 'a/b/c', 'javascript:x', '', `a/${'b'.repeat(200)}`].map(safeType)).toEqual(['image/png', 'text/html', '', '', '', ''])
  })
})

describe('the hash of a file', () => {
  it('is that of its blocks’ hashes, in whatever order they come', async () => {
    const content = Uint8Array.from({ length: BLOCK + 5 }, (_, i) => i & 255)
    const digest = new BlockDigest(content.length)
    expect(digest.missing()).toEqual([0, BLOCK])
    await digest.add(BLOCK, content.subarray(BLOCK))
    await digest.add(0, content.subarray(0, BLOCK))
    const sha = async (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    const blocks = await Promise.all([sha(content.subarray(0, BLOCK)), sha(content.subarray(BLOCK))])
    const expected = await sha(Uint8Array.from(blocks.flatMap((block) => [...block])))
    expect(sameBytes(await digest.hash(), expected)).toBe(true)
    expect(digest.missing()).toEqual([])
    expect(sameBytes(expected, expected.subarray(1))).toBe(false)
  })
})

describe('the speed', () => {
  it('is that of the last seconds', () => {
    const speed = new Speed()
    expect(speed.rate(0)).toBe(0)
    for (let at = 0; at <= 10_000; at += 500) speed.mark(at < 5_000 ? 0 : (at - 5_000) * 100, at)
    expect(speed.rate(10_000)).toBe(100_000)
    expect(speed.rate(14_000)).toBeLessThan(60_000)
    speed.reset()
    expect(speed.rate(14_000)).toBe(0)
  })
})
