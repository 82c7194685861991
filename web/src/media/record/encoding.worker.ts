import { ChunkFile } from './chunkFile'
import { ChunkQueue } from './chunkQueue'
import { Encoding } from './encoding'
import type { EncodingNews, EncodingOrder, EncodingPlan, SoundPiece } from './encodingMessages'

/** A killed page loses what was encoded since the last of these, ms. */
const WRITE_EVERY_MS = 200

let encoding: Encoding | null = null
let queue: ChunkQueue | null = null
const gathered: Uint8Array<ArrayBuffer>[] = []
let timer: ReturnType<typeof setInterval> | undefined

const tell = (news: EncodingNews) => self.postMessage(news)

async function start(plan: EncodingPlan, sound: MessagePort): Promise<void> {
  const made = await Encoding.start(plan, {
    write: (bytes) => gathered.push(bytes),
    picturesDone: (done) => tell({ is: 'pictures', done, sounds: encoding?.waiting ?? 0 }),
    failed: (trouble) => tell({ is: 'failed', trouble }),
  })
  if (!made) return tell({ is: 'refused', why: 'no encoder' })
  queue = new ChunkQueue(await ChunkFile.open(plan.folder, plan.name), {
    written: (bytes) => tell({ is: 'written', bytes, disk: queue?.waiting ?? 0, sounds: made.waiting }),
    failed: (trouble) => tell({ is: 'failed', trouble }),
  })
  encoding = made
  sound.onmessage = ({ data }: MessageEvent<SoundPiece>) => encoding?.takeSound(data)
  timer = setInterval(write, WRITE_EVERY_MS)
  tell({ is: 'started' })
}

function write(): void {
  for (const bytes of gathered.splice(0)) queue?.take(bytes)
}

async function stop(): Promise<void> {
  const ending = encoding
  encoding = null
  await ending?.finish()
  clearInterval(timer)
  write()
  await queue?.finish()
  tell({ is: 'stopped' })
}

self.onmessage = ({ data: order }: MessageEvent<EncodingOrder>) => {
  switch (order.do) {
    case 'start':
      start(order.plan, order.sound).catch((error: unknown) => tell({ is: 'refused', why: String(error) }))
      return
    case 'picture':
      if (encoding) encoding.takePicture(order.frame)
      else order.frame.close()
      return
    case 'pause':
      return encoding?.timeline.pause(order.at)
    case 'resume':
      return encoding?.timeline.resume(order.at)
    case 'stop':
      void stop()
  }
}
