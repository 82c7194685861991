import { WireError } from './errors'

/** What the end of a WebSocket asks for: go on with the session, open a new one, or give up. */
export type AfterClose = 'resume' | 'hello' | 'stop'

/** Ends the session at once, so that rosters don't wait for the grace. */
export const CLOSE_END = 1000
/** Ends the socket but not the session; any code but 1000 would do, and browsers allow 3000-4999. */
export const CLOSE_RECONNECT = 3000

/** The policy is in the range of the code; an end without one (a dead network, a killed edge) means resume. */
export function afterClose(code: number): AfterClose {
  if (code >= 4400 && code <= 4499) return 'stop'
  if (code >= 4100 && code <= 4199) return 'hello'
  return 'resume'
}

/** The error that a final close code means, for people to read. */
export function stopError(code: number, reason: string): WireError {
  switch (code) {
    case 4401:
      return new WireError('bad_token', reason || 'the token is not valid here')
    case 4403:
      return new WireError('forbidden', reason || 'this user is not allowed here')
    case 4409:
      return new WireError('elsewhere', reason || 'the session goes on in another place')
    case 4413:
      return new WireError('too_large', reason || 'a frame was too large')
    case 4429:
      return new WireError('rate_limited', reason || 'too much was sent too fast')
    default:
      return new WireError('protocol', reason || `the edge closed the connection with ${code}`)
  }
}
