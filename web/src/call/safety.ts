// A safety code lets two people make sure that nobody sits between them: each sees it on a screen of their own, made from the certificates that the
// two browsers really use, and one reads it to the other. Somebody in between would have to use certificates of their own towards each side.

/** How many symbols there are to choose from; each stands for six bits. */
export const SYMBOLS = 64
/** How many symbols make a code. */
export const CODE_LENGTH = 6

/**
 * Both certificates are made for this one call, so whoever is in between can try many of their own on both sides until two codes meet, which takes but
 * the square root of what there is to guess: 2^18 tries for 36 bits. Each therefore costs so many rounds, and has to be done while the call is set up.
 */
const ROUNDS = 300_000

/** The SHA-256 fingerprint in a description (RFC 8122 §5) as upper-case hex with colons; null if there is none, or not one alone. */
export function fingerprintOf(sdp: string | undefined): string | null {
  const found = new Set([...(sdp ?? '').matchAll(/^a=fingerprint:(\S+)[ \t]+([0-9a-f:]+)[ \t]*\r?$/gim)].map(([, hash, value]) => `${hash} ${value}`.toUpperCase()))
  const [only] = found
  if (found.size !== 1 || only === undefined) return null
  return /^SHA-256 ([0-9A-F]{2}(?::[0-9A-F]{2}){31})$/.exec(only)?.[1] ?? null
}

/** Whether this page can make codes: browsers give the means to pages over https only. */
export function canCompare(): boolean {
  return globalThis.crypto?.subtle !== undefined
}

/** The code of two certificates, as numbers below {@link SYMBOLS}: the same on both sides, whichever is called the own. */
export async function safetyCode(fingerprints: readonly [string, string]): Promise<number[]> {
  const text = new TextEncoder()
  const secret = await crypto.subtle.importKey('raw', text.encode([...fingerprints].sort().join(' ')), 'PBKDF2', false, ['deriveBits'])
  const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: text.encode('callmesh safety code 1'), iterations: ROUNDS }
  const bytes = new Uint8Array(await crypto.subtle.deriveBits(parameters, secret, 64))
  return Array.from({ length: CODE_LENGTH }, (_, i) => bytes[i]! % SYMBOLS)
}
