/** A stretch of the clock that is recorded; `shift` takes a moment of the clock to one of the recording. */
interface Stretch {
  from: number
  to: number
  shift: number
}

/** A part of a piece of sound: where it begins in the piece, how long it is, and where it stands in the recording. */
export interface SoundPart {
  skip: number
  length: number
  at: number
}

/**
 * Where the moments of a sound clock are in a recording, which has no pauses in it. All of it is counted in frames of sound, so that the recorded
 * sound has neither a gap nor an overlap, and pictures stand where their sound does.
 */
export class Timeline {
  private stretches: Stretch[]
  /** Up to here the clock's sound has been placed. */
  private placed: number

  constructor(start: number) {
    this.stretches = [{ from: start, to: Infinity, shift: -start }]
    this.placed = start
  }

  /** Orders and sounds come by different ways: what has been placed already stays recorded. */
  pause(at: number): void {
    const last = this.last
    if (last.to === Infinity) last.to = Math.max(at, last.from, this.placed)
  }

  resume(at: number): void {
    const { to, shift } = this.last
    if (to === Infinity) return
    // What came while it was paused is gone: going on from before it would leave a gap in the sound.
    const from = Math.max(at, to, this.placed)
    this.stretches.push({ from, to: Infinity, shift: shift - (from - to) })
  }

  /** What is recorded of the next piece of sound. */
  sound(from: number, length: number): SoundPart[] {
    const parts = this.stretches.flatMap((stretch) => {
      const begin = Math.max(from, stretch.from, this.placed)
      const end = Math.min(from + length, stretch.to)
      return end > begin ? [{ skip: begin - from, length: end - begin, at: begin + stretch.shift }] : []
    })
    this.placed = Math.max(this.placed, from + length)
    // A pause that is over for the sound may still be ahead for a picture that is late, but not for long.
    while (this.stretches.length > 2 && this.stretches[1]!.to <= this.placed) this.stretches.shift()
    return parts
  }

  /** Where a picture of this moment stands, or null if it is in no recorded stretch. */
  picture(at: number): number | null {
    const stretch = this.stretches.find(({ from, to }) => at >= from && at < to)
    return stretch ? at + stretch.shift : null
  }

  private get last(): Stretch {
    return this.stretches[this.stretches.length - 1]!
  }
}
