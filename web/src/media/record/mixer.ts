/**
 * Mixes voices into one output; they may come and go while it runs, and without any it is silent.
 * Chromium feeds a remote track into WebAudio only while some element plays it, which the call's page does.
 */
export class VoiceMixer {
  readonly context: AudioContext
  private readonly limiter: DynamicsCompressorNode
  private made: MediaStreamTrack | null = null
  private readonly sources = new Map<MediaStreamTrack, MediaStreamAudioSourceNode>()

  constructor(context = new AudioContext()) {
    this.context = context
    // Several loud voices at once are pressed together instead of clipped.
    const limiter = context.createDynamicsCompressor()
    limiter.threshold.value = -6
    limiter.ratio.value = 12
    limiter.attack.value = 0.003
    limiter.release.value = 0.15
    this.limiter = limiter
    void context.resume()
  }

  /** What is mixed, from now on. */
  get output(): AudioNode {
    return this.limiter
  }

  get track(): MediaStreamTrack {
    if (this.made) return this.made
    const output = this.context.createMediaStreamDestination()
    this.limiter.connect(output)
    const [track] = output.stream.getAudioTracks()
    if (!track) throw new Error('an audio destination without a track')
    return (this.made = track)
  }

  /** Mixes exactly these from now on. */
  mix(tracks: MediaStreamTrack[]): void {
    for (const [track, source] of this.sources) {
      if (tracks.includes(track)) continue
      source.disconnect()
      this.sources.delete(track)
    }
    for (const track of tracks) {
      if (this.sources.has(track) || track.readyState !== 'live') continue
      const source = this.context.createMediaStreamSource(new MediaStream([track]))
      source.connect(this.limiter)
      this.sources.set(track, source)
    }
  }

  stop(): void {
    this.mix([])
    this.made?.stop()
    void this.context.close()
  }
}
