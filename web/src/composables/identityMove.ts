// An identity goes to another browser by a link: the mesh keeps it for some minutes, sealed with a key that only the link has, behind the #
// where browsers send it to nobody.
import { checkedPicture } from '@/call/picture'
import { fromBase64url, toBase64url } from './base64url'

export interface MovingIdentity {
  secret: string
  name: string
  picture: string | null
}

export interface MoveOffer {
  link: string
  /** Unix ms. */
  expiresAt: number
}

/** `gone`: used, expired, or never there; `broken`: the link is not whole; `insecure`: only https pages can seal; `failed`: try again. */
export type MoveProblem = 'gone' | 'broken' | 'insecure' | 'limited' | 'failed'

export class MoveError extends Error {
  readonly problem: MoveProblem

  constructor(problem: MoveProblem) {
    super(problem)
    this.name = 'MoveError'
    this.problem = problem
  }
}

/** What the mesh keeps for a move at most, in characters. */
const MOST_CHARS = 4_096
const IV_BYTES = 12
const ANSWER_MS = 10_000
const SECRET_FORM = /^[A-Za-z0-9_-]{43}$/
const NAME_CHARS = 64

/** Seals an identity with a key of its own (AES-GCM, 256 bits). */
export async function seal(identity: MovingIdentity): Promise<{ data: string; key: string }> {
  const subtle = subtleCrypto()
  const key = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt'])
  const close = async (what: MovingIdentity) => {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
    const sealed = await subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode(JSON.stringify(what)))
    return toBase64url(new Uint8Array([...iv, ...new Uint8Array(sealed)]))
  }
  let data = await close(identity)
  // A long name and a large picture: the person matters more.
  if (data.length > MOST_CHARS) data = await close({ ...identity, picture: null })
  return { data, key: toBase64url(new Uint8Array(await subtle.exportKey('raw', key))) }
}

/** Opens what {@link seal} has closed, and checks that it is an identity. */
export async function unseal(data: string, key: string): Promise<MovingIdentity> {
  const subtle = subtleCrypto()
  const [bytes, raw] = [fromBase64url(data), fromBase64url(key)]
  if (!bytes || !raw || raw.length !== 32 || bytes.length <= IV_BYTES) throw new MoveError('broken')
  try {
    const opened = await subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt'])
    const text = await subtle.decrypt({ name: 'AES-GCM', iv: bytes.slice(0, IV_BYTES) }, opened, bytes.slice(IV_BYTES))
    const { secret, name, picture } = JSON.parse(new TextDecoder().decode(text)) as Partial<MovingIdentity>
    if (typeof secret !== 'string' || !SECRET_FORM.test(secret) || typeof name !== 'string') throw new MoveError('broken')
    return { secret, name: name.slice(0, NAME_CHARS), picture: checkedPicture(picture) }
  } catch {
    throw new MoveError('broken')
  }
}

/** Offers an identity to whoever opens the link first. `token` is the identity's own. */
export async function offerMove(identity: MovingIdentity, token: string, fetcher: typeof fetch = fetch, origin: string = location.origin): Promise<MoveOffer> {
  const { data, key } = await seal(identity)
  const answer = await ask(fetcher, '/v1/move', { data }, token)
  const { code, expiresAt } = (await answer.json()) as { code: string; expiresAt: number }
  return { link: `${origin}/#move=${code}.${key}`, expiresAt }
}

/** Takes the identity of a link, which works once. */
export async function takeMove(code: string, key: string, fetcher: typeof fetch = fetch): Promise<MovingIdentity> {
  // Nothing is asked for that could not be opened then.
  subtleCrypto()
  if (fromBase64url(key)?.length !== 32) throw new MoveError('broken')
  const answer = await ask(fetcher, '/v1/moved', { code })
  const { data } = (await answer.json()) as { data: string }
  return unseal(data, key)
}

/** What stands behind `#move=`: a code, which may have dots, and the key. */
export function parseMove(text: string): { code: string; key: string } | null {
  const dot = text.lastIndexOf('.')
  return dot > 0 && dot < text.length - 1 ? { code: text.slice(0, dot), key: text.slice(dot + 1) } : null
}

async function ask(fetcher: typeof fetch, path: string, body: object, token?: string): Promise<Response> {
  let answer: Response
  try {
    answer = await fetcher(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    })
  } catch {
    throw new MoveError('failed')
  }
  if (answer.ok) return answer
  if (answer.status === 410 || answer.status === 404) throw new MoveError('gone')
  if (answer.status === 400) throw new MoveError('broken')
  throw new MoveError(answer.status === 429 ? 'limited' : 'failed')
}

/** Browsers have it on https pages and on localhost only. */
function subtleCrypto(): SubtleCrypto {
  const subtle = crypto.subtle as SubtleCrypto | undefined
  if (!subtle) throw new MoveError('insecure')
  return subtle
}
