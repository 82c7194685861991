import { ChunkFile } from './chunkFile'
import { Compositor } from './compositor'
import { encodedFrom } from './encodedMix'
import { AUDIO_BITS_PER_SECOND, recordingType, VIDEO_BITS_PER_SECOND } from './formats'
import type { Size } from './layout'
import { MediaRecorderEngine } from './mediaRecorderEngine'
import { VoiceMixer } from './mixer'
import { Recorder, type RecorderView } from './recorder'
import { framed, sounds, type Scene, type Subject } from './scene'

const CALL_SIZE: Size = { width: 1280, height: 720 }
/** A screen is recorded in its own size up to this. */
const LARGEST_SCREEN: Size = { width: 1920, height: 1080 }

/** px, both even, as codecs want them. */
export function frameSize(subject: Subject): Size {
  if (subject.kind !== 'screen') return CALL_SIZE
  const { width = CALL_SIZE.width, height = CALL_SIZE.height } = subject.track.getSettings()
  const scale = Math.min(1, LARGEST_SCREEN.width / width, LARGEST_SCREEN.height / height)
  const even = (length: number) => Math.max(2, Math.round((length * scale) / 2) * 2)
  return { width: even(width), height: even(height) }
}

/** A file to be made in the origin's private file system. */
export interface Place {
  folder: string
  name: string
}

/** Records a subject of the call into a file; the scene may change all the while. */
export class CallRecording {
  readonly subject: Subject
  private readonly mixer: VoiceMixer
  private readonly compositor: Compositor | null
  private readonly recorder: Recorder
  private over = false

  private constructor(subject: Subject, mixer: VoiceMixer, compositor: Compositor | null, recorder: Recorder) {
    this.subject = subject
    this.mixer = mixer
    this.compositor = compositor
    this.recorder = recorder
    void recorder.done.then(() => {
      this.over = true
      compositor?.stop()
      mixer.stop()
    })
  }

  /** Resolves when it records. Rejects with a NotSupportedError where the browser can record no WebM. */
  static async start(subject: Subject, scene: Scene, place: Place, changed: () => void): Promise<CallRecording> {
    const withPicture = subject.kind !== 'voices'
    const mixer = new VoiceMixer()
    const size = frameSize(subject)
    const compositor = withPicture ? new Compositor(size) : null
    try {
      mixer.mix(sounds(scene, subject))
      compositor?.show(framed(scene, subject))
      // Else it would begin with empty tiles.
      await compositor?.ready()
      const recorder = (await encodedFrom(mixer, compositor, size, place, changed)) ?? (await byBrowser(mixer, compositor, place, changed))
      return new CallRecording(subject, mixer, compositor, recorder)
    } catch (error) {
      compositor?.stop()
      mixer.stop()
      throw error
    }
  }

  get done(): Promise<void> {
    return this.recorder.done
  }

  show(scene: Scene): void {
    // Between its end and its being saved, the call goes on changing.
    if (this.over) return
    this.mixer.mix(sounds(scene, this.subject))
    this.compositor?.show(framed(scene, this.subject))
  }

  view(): RecorderView {
    return this.recorder.view()
  }

  pause(): void {
    this.recorder.pause()
  }

  resume(): void {
    this.recorder.resume()
  }

  stop(): Promise<void> {
    return this.recorder.stop()
  }
}

/** By MediaRecorder, where the page can't encode by itself. */
async function byBrowser(mixer: VoiceMixer, compositor: Compositor | null, place: Place, changed: () => void): Promise<Recorder> {
  const mimeType = recordingType(compositor ? 'video' : 'audio')
  if (mimeType === null) throw new DOMException('this browser records no WebM', 'NotSupportedError')
  const stream = new MediaStream([...(compositor ? [compositor.track] : []), mixer.track])
  const media = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: VIDEO_BITS_PER_SECOND, audioBitsPerSecond: AUDIO_BITS_PER_SECOND })
  const sink = await ChunkFile.open(place.folder, place.name)
  try {
    return new Recorder({ start: (events) => new MediaRecorderEngine(media, sink, events), changed })
  } catch (error) {
    await sink.close()
    throw error
  }
}
