// @vitest-environment node
import { ALL_FORMATS, BlobSource, EncodedAudioPacketSource, EncodedPacket, EncodedPacketSink, EncodedVideoPacketSource, Input, Output, StreamTarget, WebMOutputFormat } from 'mediabunny'
import type { StreamTargetChunk } from 'mediabunny'
import { describe, expect, it, vi } from 'vitest'
import { contents, convert } from './convert'
import { wholePart } from './tail'

const MINUTES = 20
const FRAME_S = 1 / 15
const OPUS_S = 0.06
const KEY_FRAME = Uint8Array.from([0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02])
const OPUS_HEAD = Uint8Array.from([...new TextEncoder().encode('OpusHead'), 1, 1, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 0])

/** Keeps what is written, and how much at once at most. */
function memory() {
  let bytes = new Uint8Array(1 << 16)
  let size = 0
  const seen = { largest: 0, aborted: false }
  const stream = new WritableStream<StreamTargetChunk>({
    write({ data, position }) {
      seen.largest = Math.max(seen.largest, data.byteLength)
      const end = position + data.byteLength
      if (end > bytes.length) {
        const grown = new Uint8Array(2 * end)
        grown.set(bytes)
        bytes = grown
      }
      bytes.set(data, position)
      size = Math.max(size, end)
    },
    abort() {
      seen.aborted = true
    },
  })
  return { stream, seen, blob: () => new Blob([bytes.slice(0, size)]) }
}

/** As a browser records: clusters of unknown length, no duration, no index, sound and picture each by its own clock. */
async function recorded(minutes: number): Promise<Blob> {
  const { stream, blob } = memory()
  const output = new Output({ format: new WebMOutputFormat({ appendOnly: true, minimumClusterDuration: 1 }), target: new StreamTarget(stream) })
  const [video, audio] = [new EncodedVideoPacketSource('vp8'), new EncodedAudioPacketSource('opus')]
  output.addVideoTrack(video)
  output.addAudioTrack(audio)
  await output.start()
  const videoMeta = { decoderConfig: { codec: 'vp8', codedWidth: 1280, codedHeight: 720 } }
  const audioMeta = { decoderConfig: { codec: 'opus', sampleRate: 48_000, numberOfChannels: 1, description: OPUS_HEAD } }
  let at = 0
  for (let frame = 0; frame * FRAME_S < minutes * 60; frame++) {
    const time = frame * FRAME_S
    const key = frame % 100 === 0
    await video.add(new EncodedPacket(key ? KEY_FRAME : new Uint8Array(40).fill(1), key ? 'key' : 'delta', time, FRAME_S), videoMeta)
    for (; at <= time; at += OPUS_S) await audio.add(new EncodedPacket(new Uint8Array(30).fill(0xfc), 'key', at, OPUS_S), audioMeta)
  }
  await output.finalize()
  return blob()
}

async function timesIn(file: Blob, kind: 'video' | 'audio'): Promise<number[]> {
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS })
  const track = kind === 'video' ? await input.getPrimaryVideoTrack() : await input.getPrimaryAudioTrack()
  const times: number[] = []
  for await (const packet of new EncodedPacketSink(track!).packets()) times.push(packet.timestamp)
  input.dispose()
  return times
}

describe('a recording that is rewritten', () => {
  it('keeps sound and picture within 1 ms of each other over 20 minutes, piece by piece', async () => {
    const source = await recorded(MINUTES)
    const whole = vi.spyOn(Blob.prototype, 'arrayBuffer')
    const { stream, blob, seen } = memory()
    const progress = vi.fn()
    await convert(source, stream, { format: 'webm', progress })
    expect(whole.mock.contexts).not.toContain(source)
    // What is held back at once, though the file is several times as large.
    expect(seen.largest).toBeLessThanOrEqual(1 << 20)
    expect(source.size).toBeGreaterThan(1 << 20)
    expect(progress.mock.calls.length).toBeGreaterThan(10)

    const file = blob()
    expect(Math.abs((await contents(file)).durationMs - MINUTES * 60_000)).toBeLessThan(100)
    for (const kind of ['video', 'audio'] as const) {
      const [before, after] = [await timesIn(source, kind), await timesIn(file, kind)]
      expect(after).toHaveLength(before.length)
      expect(Math.max(...after.map((time, n) => Math.abs(time - before[n]!))), kind).toBeLessThan(0.0011)
    }
    // The picture of a moment and the sound of it stand where they were made.
    const [pictures, sounds] = [await timesIn(file, 'video'), await timesIn(file, 'audio')]
    expect(pictures.at(-1)!).toBeCloseTo((pictures.length - 1) * FRAME_S, 2)
    expect(sounds.at(-1)!).toBeCloseTo((sounds.length - 1) * OPUS_S, 2)
  }, 60_000)

  it('is read up to where it was cut off, wherever that was', async () => {
    const source = await recorded(0.2)
    for (const part of [0.3, 0.5, 0.777, 0.9]) {
      for (const beyond of [0, 1, 7, 13]) {
        const { stream, blob } = memory()
        const cut = await wholePart(source.slice(0, Math.floor(source.size * part) + beyond))
        await convert(cut, stream, { format: 'webm' })
        const { durationMs } = await contents(blob())
        expect(durationMs, `${part} of it and ${beyond} bytes`).toBeGreaterThan(12_000 * part - 300)
      }
    }
  })

  it('can be its sound alone', async () => {
    const { stream, blob } = memory()
    await convert(await recorded(0.1), stream, { format: 'audio' })
    expect(await contents(blob())).toMatchObject({ width: 0, codecs: ['Opus'] })
  })

  it('leaves nothing behind when it is no recording, or is given up', async () => {
    const nonsense = memory()
    await expect(convert(new Blob(['no recording']), nonsense.stream, { format: 'webm' })).rejects.toThrow()
    expect(nonsense.seen.aborted).toBe(true)
    const given = memory()
    const abort = new AbortController()
    const source = await recorded(2)
    const converting = convert(source, given.stream, { format: 'webm', signal: abort.signal, progress: () => abort.abort() })
    await expect(converting).rejects.toThrow(/aborted/)
    expect(given.seen.aborted).toBe(true)
  })
})
