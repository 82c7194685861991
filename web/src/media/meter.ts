/** Loudness as an ear takes it, 0 to 1: amplitude 0 to 1 on a scale of decibels, with -60 dB and less as silence. */
export function loudness(amplitude: number): number {
  if (!(amplitude > 0)) return 0
  return Math.min(1, Math.max(0, (20 * Math.log10(amplitude) + 60) / 60))
}

/** Root mean square of samples in -1 to 1. */
export function rms(samples: Float32Array): number {
  let sum = 0
  for (const s of samples) sum += s * s
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length)
}

const INTERVAL_MS = 100

/** Listens to a microphone's track, ten times a second, until stopped. Where the browser does not let it, nothing is heard, and all else goes on. */
export class Meter {
  private context: AudioContext | null = null
  private source: MediaStreamAudioSourceNode | null = null
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(track: MediaStreamTrack, heard: (level: number) => void) {
    try {
      this.listen(track, heard)
    } catch {
      // A page gets only so many contexts, and some browsers refuse a microphone whose rate is not theirs.
      this.stop()
    }
  }

  stop(): void {
    clearInterval(this.timer)
    this.source?.disconnect()
    void this.context?.close().catch(() => undefined)
    this.context = null
  }

  private listen(track: MediaStreamTrack, heard: (level: number) => void): void {
    const context = (this.context = new AudioContext())
    const analyser = context.createAnalyser()
    analyser.fftSize = 1024
    this.source = context.createMediaStreamSource(new MediaStream([track]))
    this.source.connect(analyser)
    const samples = new Float32Array(analyser.fftSize)
    this.timer = setInterval(() => {
      // A context made before the first click sleeps; this wakes it after one.
      if (context.state === 'suspended') void context.resume().catch(() => undefined)
      analyser.getFloatTimeDomainData(samples)
      heard(loudness(rms(samples)))
    }, INTERVAL_MS)
  }
}
