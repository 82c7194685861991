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

/** Listens to a microphone's track, ten times a second, until stopped. */
export class Meter {
  private readonly context = new AudioContext()
  private readonly source: MediaStreamAudioSourceNode
  private readonly timer: ReturnType<typeof setInterval>

  constructor(track: MediaStreamTrack, heard: (level: number) => void) {
    const analyser = this.context.createAnalyser()
    analyser.fftSize = 1024
    this.source = this.context.createMediaStreamSource(new MediaStream([track]))
    this.source.connect(analyser)
    const samples = new Float32Array(analyser.fftSize)
    this.timer = setInterval(() => {
      // A context made before the first click sleeps; this wakes it after one.
      if (this.context.state === 'suspended') void this.context.resume()
      analyser.getFloatTimeDomainData(samples)
      heard(loudness(rms(samples)))
    }, INTERVAL_MS)
  }

  stop(): void {
    clearInterval(this.timer)
    this.source.disconnect()
    void this.context.close()
  }
}
