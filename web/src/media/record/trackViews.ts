import type { Size } from './layout'

/** Plays tracks in elements that nobody sees, for their pictures. */
export class TrackViews {
  private readonly elements = new Map<MediaStreamTrack, HTMLVideoElement>()

  /** Plays these and lets go of all others. */
  show(tracks: MediaStreamTrack[]): void {
    for (const [track, element] of this.elements) {
      if (!tracks.includes(track)) this.drop(track, element)
    }
    for (const track of tracks) {
      if (this.elements.has(track)) continue
      const element = document.createElement('video')
      element.muted = true
      element.playsInline = true
      element.srcObject = new MediaStream([track])
      // A refusal means that it was let go of meanwhile: silent pictures may always play.
      element.play().catch(() => undefined)
      this.elements.set(track, element)
    }
  }

  /** The track's latest picture in its own size, or null before the first. */
  picture(track: MediaStreamTrack): { image: HTMLVideoElement; size: Size } | null {
    const image = this.elements.get(track)
    if (!image || image.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || image.videoWidth === 0) return null
    return { image, size: { width: image.videoWidth, height: image.videoHeight } }
  }

  /** Resolves when all that are shown have a picture, or after so many ms with what there is. */
  async ready(patienceMs: number): Promise<void> {
    const end = performance.now() + patienceMs
    const tracks = () => [...this.elements.keys()].filter((track) => track.readyState === 'live')
    while (performance.now() < end && tracks().some((track) => !this.picture(track))) {
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }

  /** Resolves when all of these show larger pictures than they do now, or after so many ms. */
  async grown(tracks: readonly MediaStreamTrack[], patienceMs: number): Promise<void> {
    const end = performance.now() + patienceMs
    const lines = (track: MediaStreamTrack) => this.picture(track)?.size.height ?? 0
    const before = new Map(tracks.map((track) => [track, lines(track)]))
    while (performance.now() < end && [...before].some(([track, were]) => lines(track) <= were)) {
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }

  clear(): void {
    for (const [track, element] of this.elements) this.drop(track, element)
  }

  private drop(track: MediaStreamTrack, element: HTMLVideoElement): void {
    element.pause()
    element.srcObject = null
    this.elements.delete(track)
  }
}
