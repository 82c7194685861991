import type { WireError } from '../signal/errors'

const PASSING: ReadonlySet<WireError['code']> = new Set(['unavailable', 'internal', 'rate_limited'])

/** Whether a refusal says nothing about the next try. */
export function isPassing({ code }: WireError): boolean {
  return PASSING.has(code)
}
