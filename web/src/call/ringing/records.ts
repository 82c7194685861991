import type { Media, User } from '../../wire/wire.gen'
import type { CallRecord, CurrentCall, Outcome } from './state'

/** Writes down what became of calls. */
export class CallRecords {
  private readonly record: (entry: CallRecord) => void
  /** Of the call that goes on. */
  private direction: CallRecord['direction'] = 'in'

  constructor(record: (entry: CallRecord) => void) {
    this.record = record
  }

  /** A call that came to nothing. One that the mesh never named is kept all the same: it is what we did. */
  vain(direction: CallRecord['direction'], { call, user, media, at }: { call: string | null; user: User; media: Media; at: number }, outcome: Outcome): void {
    this.record({ call: call ?? `own-${at}`, direction, user, media, at, outcome, durationMs: null })
  }

  began(direction: CallRecord['direction'], current: CurrentCall): void {
    this.direction = direction
    this.record(this.answered(current, null))
  }

  ended(current: CurrentCall): void {
    this.record(this.answered(current, Date.now() - current.since))
  }

  private answered({ call, with: user, media, since }: CurrentCall, durationMs: number | null): CallRecord {
    return { call, direction: this.direction, user, media, at: since, outcome: 'answered', durationMs }
  }
}
