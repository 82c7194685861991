// Who the reader is to the mesh: a token that an operator gave, or a guest's for the name that was typed.
import { WireError } from '@/signal/errors'
import { tokenExpiry, type TokenProvider } from '@/signal/token'
import { toBase64url } from './base64url'

/** What `/v1/config` tells before anybody has signed in. */
export interface Config {
  guests: boolean
  region: string
  version: string
}

interface Kept {
  token: string
  /** The name that a guest's token was made for; null for one that was given. */
  name: string | null
  /** Unix ms; null if the token does not say. */
  expiresAt: number | null
  /** Whose it is, if that is known. */
  user?: string
}

const KEPT = 'callmesh.token'
/** Where a guest's secret is kept; other tabs are told when it changes. */
export const SECRET_KEY = 'callmesh.secret'
/** 32 bytes in base64url. */
const SECRET_FORM = /^[A-Za-z0-9_-]{43}$/
/** A token that expires this soon, in ms, would not last through a hello. */
const MARGIN_MS = 30_000
/** In a network that swallows packets a browser would wait for minutes. */
const ANSWER_MS = 10_000

/**
 * Takes a token out of a link such as `/#token=…` and keeps it. Only the part after # is looked at: browsers never send it
 * anywhere, so it reaches no log. It is removed from the address at once, so that a copied link does not give it away.
 */
export function acceptGivenToken(place: Location = location, past: History = history): void {
  const token = new URLSearchParams(place.hash.slice(1)).get('token')
  if (!token) return
  keep({ token, name: null, expiresAt: tokenExpiry(token) })
  past.replaceState(past.state, '', place.pathname + place.search)
}

/** Whether the reader can sign in without being taken as a guest. */
export function hasGivenToken(): boolean {
  const known = kept()
  return known !== null && known.name === null && !expired(known)
}

/** Whether the reader has been somebody here before, so that others may want to reach them. */
export function isKnown(): boolean {
  return hasGivenToken() || guestSecret() !== null
}

/** What makes a guest the same person again, on any edge, after every token has run out; null before the first visit. */
export function guestSecret(): string | null {
  try {
    const kept = localStorage.getItem(SECRET_KEY)
    if (kept !== null && SECRET_FORM.test(kept)) return kept
  } catch {
    // Not allowed to look: then it lasts as long as the page.
  }
  return unkept
}

/** Where nothing can be stored. */
let unkept: string | null = null

/** Becomes the guest whose secret this is, from the next session on. */
export function takeSecret(secret: string): void {
  if (!SECRET_FORM.test(secret)) throw new Error('a secret has 32 bytes in base64url')
  unkept = null
  try {
    // The token was the other guest's. First, since other tabs look when they hear of the secret.
    localStorage.removeItem(KEPT)
    localStorage.setItem(SECRET_KEY, secret)
  } catch {
    unkept = secret
  }
}

function secretOfGuest(): string {
  const known = guestSecret()
  if (known !== null) return known
  const made = toBase64url(crypto.getRandomValues(new Uint8Array(32)))
  takeSecret(made)
  return made
}

/** Null if callmesh cannot be reached, which connecting will then tell better. */
export async function readConfig(fetcher: typeof fetch = fetch): Promise<Config | null> {
  try {
    const answer = await fetcher('/v1/config', { signal: AbortSignal.timeout(ANSWER_MS) })
    return answer.ok ? ((await answer.json()) as Config) : null
  } catch {
    return null
  }
}

/** Whether there is no way in: guests are not taken, and no token was given. False also while that cannot be found out. */
export async function shutOut(fetcher: typeof fetch = fetch): Promise<boolean> {
  return !hasGivenToken() && (await readConfig(fetcher))?.guests === false
}

/**
 * Tokens for the reader by this name: a given one, or a guest's. A page goes on with the token that it began with, whatever another tab has stored
 * since: a session can be resumed only by the user whose it is. A guest's secret gives the same user again; should it not (another mesh, an older edge), the old
 * token is shown for as long as the mesh takes it.
 */
export function identity(name: string, fetcher: typeof fetch = fetch): TokenProvider {
  let mine: Kept | null = null
  let renewable = true
  return async ({ fresh, user }) => {
    if (mine && user !== undefined) {
      if (fresh && renewable && mine.name !== null) {
        const next = await newGuest(name, fetcher)
        renewable = next.user === user
        if (renewable) keep((mine = next))
      }
      return mine.token
    }
    // A given token cannot be renewed from here, so it is used until it is refused; but another may have been given in another tab.
    const usable = ({ name: of }: Kept) => of === null || (of === name && !fresh)
    const known = (fresh ? [kept(), mine] : [mine, kept()]).find((one) => one !== null && !expired(one) && usable(one))
    if (!known) keep((mine = await newGuest(name, fetcher)))
    else mine = known
    return mine.token
  }
}

/** Tokens for a moment before the reader has said who they are: a guest that nobody knows again, and of whom nothing is kept. */
export function passingGuest(name: string, fetcher: typeof fetch = fetch): TokenProvider {
  if (isKnown()) return identity(name, fetcher)
  return async () => {
    const answer = await askGuest({ name }, fetcher)
    if (!answer.ok) throw new WireError('unavailable', `a guest token could not be had: ${answer.status}`)
    return ((await answer.json()) as { token: string }).token
  }
}

async function newGuest(name: string, fetcher: typeof fetch): Promise<Kept> {
  let answer = await askGuest({ name, secret: secretOfGuest() }, fetcher)
  // An older edge knows no secrets: during an upgrade both kinds answer.
  if (answer.status === 400) answer = await askGuest({ name }, fetcher)
  if (answer.ok) {
    const { token, expiresAt, user } = (await answer.json()) as { token: string; expiresAt: number; user?: { id?: string } }
    return { token, name, expiresAt, ...(user?.id !== undefined && { user: user.id }) }
  }
  if (answer.status === 429) throw new WireError('rate_limited', 'too many guests were asked for')
  // Only a plain refusal is final; the edge may be starting, or another may take over.
  if (answer.status >= 400 && answer.status < 500) throw new WireError('forbidden', `a guest token was refused with ${answer.status}`)
  throw new WireError('unavailable', `a guest token could not be had: ${answer.status}`)
}

function askGuest(body: { name: string; secret?: string }, fetcher: typeof fetch): Promise<Response> {
  return fetcher('/v1/guest', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_MS),
  })
}

function expired({ expiresAt }: Kept): boolean {
  return expiresAt !== null && expiresAt - MARGIN_MS < Date.now()
}

function keep(token: Kept): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(token))
  } catch {
    // Full, or not allowed: then it lasts as long as the page.
  }
}

function kept(): Kept | null {
  try {
    const { token, name, expiresAt } = (JSON.parse(localStorage.getItem(KEPT) ?? 'null') ?? {}) as Partial<Kept>
    if (typeof token !== 'string') return null
    return {
      token,
      name: typeof name === 'string' ? name : null,
      expiresAt: typeof expiresAt === 'number' ? expiresAt : null,
    }
  } catch {
    return null
  }
}
