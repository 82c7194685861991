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

  /** Resolves when it records. Rejects with a NotSupportedError where the browser records no WebM. */
  static async start(subject: Subject, scene: Scene, sink: ChunkSink, changed: () => void): Promise<CallRecording> {
    const withPicture = subject.kind !== 'voices'
    const mimeType = recordingType(withPicture ? 'video' : 'audio')
    if (mimeType === null) throw new DOMException('this browser records no WebM', 'NotSupportedError')
    const mixer = new VoiceMixer()
    const compositor = withPicture ? new Compositor(frameSize(subject)) : null
    try {
      mixer.mix(sounds(scene, subject))
      compositor?.show(framed(scene, subject))
      // Else it would begin with empty tiles.
      await compositor?.ready()
      const stream = new MediaStream([...(compositor ? [compositor.track] : []), mixer.track])
      const media = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: VIDEO_BITS_PER_SECOND, audioBitsPerSecond: AUDIO_BITS_PER_SECOND })
      return new CallRecording(subject, mixer, compositor, new Recorder({ recorder: media, sink, changed }))
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
