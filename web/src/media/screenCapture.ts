// Options and constraints of getDisplayMedia (W3C Screen Capture) that TypeScript does not know yet; browsers pass over those that they don't know.
interface DisplayOptions extends DisplayMediaStreamOptions {
  systemAudio?: 'include' | 'exclude'
}

interface DisplayAudio extends MediaTrackConstraints {
  /** Leaves out what this page plays: the others would hear themselves. */
  restrictOwnAudio?: boolean
}

const PICTURE: MediaTrackConstraints = { frameRate: { ideal: 15, max: 30 } }
// What is played is music or speech already: what makes a voice clear would spoil it.
const SOUND: DisplayAudio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, restrictOwnAudio: true }

/** Whether there is a screen to share from at all: phones have none. */
export function canShareScreen(devices: Partial<Pick<MediaDevices, 'getDisplayMedia'>> | undefined): boolean {
  return typeof devices?.getDisplayMedia === 'function'
}

/** Lets the reader choose a screen. Browsers allow it only within a click or key press. Rejects as getDisplayMedia does. */
export function chooseScreen(devices: Pick<MediaDevices, 'getDisplayMedia'>): Promise<MediaStream> {
  const options: DisplayOptions = { video: PICTURE, audio: SOUND, systemAudio: 'include' }
  return devices.getDisplayMedia(options)
}

/** Captures a screen, and its sound where the reader, the browser and the system give it. */
export class ScreenCapture {
  private readonly sounds = new Map<MediaStreamTrack, MediaStreamTrack>()
  private readonly changed: () => void

  /** `changed` is called when a sound has ended by itself. */
  constructor(changed: () => void) {
    this.changed = changed
  }

  /** Takes what the reader has chosen; returns the picture. */
  take(stream: MediaStream): MediaStreamTrack {
    const [picture] = stream.getVideoTracks()
    if (!picture) throw new DOMException('the screen gave no picture', 'NotFoundError')
    // Encoders then keep letters sharp rather than movement smooth.
    picture.contentHint = 'detail'
    const [sound] = stream.getAudioTracks()
    if (sound) {
      sound.contentHint = 'music'
      sound.addEventListener('ended', () => this.sounds.delete(picture) && this.changed())
      this.sounds.set(picture, sound)
    }
    return picture
  }

  /** The sound that came with a picture. */
  soundOf(picture: MediaStreamTrack | null): MediaStreamTrack | null {
    return (picture && this.sounds.get(picture)) ?? null
  }

  /** Lets go of the sounds of pictures that have ended. */
  tidy(): void {
    for (const [picture, sound] of this.sounds) {
      if (picture.readyState !== 'ended') continue
      this.sounds.delete(picture)
      sound.stop()
    }
  }
}
