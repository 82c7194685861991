import type { ErrorCode } from '../wire/wire.gen'

/** What only this side can say: the mesh turned us away for good. */
export type StopCode = 'bad_token' | 'forbidden' | 'protocol' | 'elsewhere'

/**
 * A request that was refused, or a session that cannot go on. `unavailable` and `internal` mean that it is not known
 * whether the request took effect; any other code means that nothing was delivered.
 */
export class WireError extends Error {
  readonly code: ErrorCode | StopCode

  constructor(code: ErrorCode | StopCode, message: string) {
    super(message)
    this.name = 'WireError'
    this.code = code
  }
}

/** The error in anything thrown; what is no WireError becomes `internal`. */
export function asWireError(thrown: unknown): WireError {
  if (thrown instanceof WireError) return thrown
  return new WireError('internal', thrown instanceof Error ? thrown.message : String(thrown))
}
