import type { ChunkSink } from './chunkFile'
import { Compositor } from './compositor'
import { AUDIO_BITS_PER_SECOND, recordingType, VIDEO_BITS_PER_SECOND } from './formats'
import type { Size } from './layout'
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

/** Records a subject of the call into a sink; the scene may change all the while. */
export class CallRecording {
  readonly subject: Subject
  private readonly mixer: VoiceMixer
  private readonly compositor: Compositor | null
  private readonly recorder: Recorder
  private over = false

  constructor(subject: Subject, scene: Scene, sink: ChunkSink, changed: () => void) {
    this.subject = subject
    const withPicture = subject.kind !== 'voices'
    const mimeType = recordingType(withPicture ? 'video' : 'audio')
    if (mimeType === null) throw new DOMException('this browser records no WebM', 'NotSupportedError')
    this.mixer = new VoiceMixer()
    this.compositor = withPicture ? new Compositor(frameSize(subject)) : null
    this.show(scene)
    const stream = new MediaStream([...(this.compositor ? [this.compositor.track] : []), this.mixer.track])
    const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: VIDEO_BITS_PER_SECOND, audioBitsPerSecond: AUDIO_BITS_PER_SECOND })
    this.recorder = new Recorder({ recorder, sink, changed })
    void this.recorder.done.then(() => {
      this.over = true
      this.compositor?.stop()
      this.mixer.stop()
    })
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
