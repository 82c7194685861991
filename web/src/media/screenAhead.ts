import type { Problem } from './problems'
import { problemOf, Unavailable } from './problems'
import { canShareScreen, chooseScreen } from './screenCapture'

/** `ended`: it was chosen, and the reader or the system has taken it back since. */
export type HeldScreen = 'none' | 'chosen' | 'ended'

export interface ScreenAheadOptions {
  devices?: Pick<MediaDevices, 'getDisplayMedia'> | undefined
  changed: (state: HeldScreen) => void
}

/**
 * A screen chosen before there is a call to show it in: browsers let one be chosen only at a click, and an answer takes longer than a click is good
 * for. Nobody is shown it until it is taken.
 */
export class ScreenAhead {
  private readonly options: ScreenAheadOptions
  private stream: MediaStream | null = null

  constructor(options: ScreenAheadOptions) {
    this.options = options
  }

  get state(): HeldScreen {
    if (!this.stream) return 'none'
    return this.stream.getVideoTracks().some(({ readyState }) => readyState === 'live') ? 'chosen' : 'ended'
  }

  /** Lets the reader choose, in place of what was chosen before. Tells what kept them from it, and `denied` or `dismissed` if it was their own choice. */
  async choose(): Promise<Problem | null> {
    const { devices } = this.options
    try {
      if (!devices || !canShareScreen(devices)) throw new Unavailable(globalThis.isSecureContext === false ? 'insecure' : 'unsupported')
      const stream = await chooseScreen(devices)
      this.drop()
      this.stream = stream
      for (const track of stream.getVideoTracks()) track.addEventListener('ended', () => this.stream === stream && this.tell())
      this.tell()
      return null
    } catch (thrown) {
      return problemOf(thrown)
    }
  }

  /** Hands it over, with all that is to become of it; null if there is none that still goes on. */
  take(): MediaStream | null {
    const { stream, state } = this
    if (state !== 'chosen') {
      this.drop()
      return null
    }
    this.stream = null
    this.tell()
    return stream
  }

  /** Lets go of it. */
  drop(): void {
    if (!this.stream) return
    for (const track of this.stream.getTracks()) track.stop()
    this.stream = null
    this.tell()
  }

  private tell(): void {
    this.options.changed(this.state)
  }
}
