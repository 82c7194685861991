/**
 * Why a device gives nothing, told apart as far as browsers tell it, since each calls for another advice.
 * `denied`: this site may not use it. `denied_by_system`: the operating system refuses it to the browser. `dismissed`: the question
 * was closed without an answer. `missing`: there is none. `busy`: another program holds it. `lost`: it was unplugged and there is no other.
 * `insecure`: browsers give devices to https pages and localhost alone. `unsupported`: this browser cannot do it at all.
 */
export type Problem =
  | 'denied'
  | 'denied_by_system'
  | 'dismissed'
  | 'missing'
  | 'busy'
  | 'lost'
  | 'insecure'
  | 'unsupported'
  | 'failed'

/** Reads what getUserMedia or getDisplayMedia threw (W3C Media Capture and Streams §9.2, Screen Capture §5.1). */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Unavailable) return thrown.problem
  const { name = '', message = '' } = (thrown ?? {}) as { name?: string; message?: string }
  switch (name) {
    case 'NotAllowedError':
      // The name is the same for all three; only Chromium's and Firefox's words tell them apart.
      if (/system/i.test(message)) return 'denied_by_system'
      if (/dismiss/i.test(message)) return 'dismissed'
      return 'denied'
    case 'SecurityError':
      return 'denied'
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing'
    case 'NotReadableError':
    case 'AbortError':
      return 'busy'
    default:
      return 'failed'
  }
}

/** Thrown where the browser has no such function to throw from. */
export class Unavailable extends Error {
  readonly problem: Problem

  constructor(problem: 'insecure' | 'unsupported') {
    super(problem === 'insecure' ? 'devices need https or localhost' : 'this browser has no such device function')
    this.name = 'Unavailable'
    this.problem = problem
  }
}
