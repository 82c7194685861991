import { beforeEach, describe, expect, it, vi } from 'vitest'
import { acceptGivenToken, guestSecret, hasGivenToken, identity, isKnown, passingGuest, readConfig, takeSecret } from './identity'

const HOUR = 3_600_000

function jwt(expiresAt: number): string {
  return `h.${btoa(JSON.stringify({ sub: 'u', exp: expiresAt / 1000 }))}.s`
}

/** An edge that gives out tokens t1, t2, …, each to a new user or all to one. */
function edge(expiresAt = Date.now() + HOUR, user: (n: number) => string = (n) => `u${n}`) {
  let n = 0
  return vi.fn<typeof fetch>(async () => Response.json({ token: `t${++n}`, user: { id: user(n), name: 'Ada' }, expiresAt }))
}

function said(ask: ReturnType<typeof edge>): unknown[] {
  return ask.mock.calls.map(([, init]) => JSON.parse(String(init!.body)))
}

function open(hash: string) {
  const past = { state: { back: '/' }, replaceState: vi.fn() }
  acceptGivenToken({ hash, pathname: '/r/a', search: '?x=1' } as Location, past as unknown as History)
  return past
}

describe('a guest', () => {
  beforeEach(() => localStorage.clear())

  it('keeps the token while it lasts, also after a reload', async () => {
    const ask = edge()
    expect(await identity('Ada', ask)({ fresh: false })).toBe('t1')
    expect(await identity('Ada', ask)({ fresh: false })).toBe('t1')
    expect(ask).toHaveBeenCalledOnce()
    expect(said(ask)).toEqual([{ name: 'Ada', secret: guestSecret() }])
  })

  it('is known by a secret of 32 bytes that this browser made once, under whatever name', async () => {
    expect(isKnown()).toBe(false)
    const ask = edge()
    await identity('Ada', ask)({ fresh: false })
    await identity('Bo', ask)({ fresh: true })
    const secret = guestSecret()
    expect(secret).toMatch(/^[\w-]{43}$/)
    expect(isKnown()).toBe(true)
    expect(said(ask)).toEqual([{ name: 'Ada', secret }, { name: 'Bo', secret }])
  })

  it('becomes another by another secret, and forgets the token of the first', async () => {
    const ask = edge()
    await identity('Ada', ask)({ fresh: false })
    const secret = 'x'.repeat(43)
    takeSecret(secret)
    await identity('Ada', ask)({ fresh: false })
    expect(said(ask)[1]).toEqual({ name: 'Ada', secret })
    expect(() => takeSecret('short')).toThrow('32 bytes')
    expect(guestSecret()).toBe(secret)
  })

  it('who only passes leaves nothing behind, and whoever is known is asked as themselves', async () => {
    const ask = edge()
    expect(await passingGuest('Visitor', ask)({ fresh: false })).toBe('t1')
    expect(said(ask)).toEqual([{ name: 'Visitor' }])
    expect(isKnown()).toBe(false)
    expect(localStorage).toHaveLength(0)
    await identity('Ada', ask)({ fresh: false })
    expect(await passingGuest('Ada', ask)({ fresh: false })).toBe('t2')
  })

  it('gets in at an edge that knows no secrets yet', async () => {
    const ask = vi.fn<typeof fetch>(async (_, init) =>
      String(init!.body).includes('secret') ? new Response('', { status: 400 }) : Response.json({ token: 'old', user: { id: 'u', name: 'Ada' }, expiresAt: Date.now() + HOUR }),
    )
    expect(await identity('Ada', ask)({ fresh: false })).toBe('old')
  })

  it('renews its token while a session goes on, as long as it stays the same user', async () => {
    const ask = edge(Date.now() + HOUR, () => 'u')
    const ada = identity('Ada', ask)
    expect(await ada({ fresh: false })).toBe('t1')
    expect(await ada({ fresh: true, user: 'u' })).toBe('t2')
    expect(await ada({ fresh: false, user: 'u' })).toBe('t2')
  })

  it('gets a new one for another name, when told to, and when the old one is about to expire', async () => {
    const ask = edge()
    await identity('Ada', ask)({ fresh: false })
    expect(await identity('Bo', ask)({ fresh: false })).toBe('t2')
    expect(await identity('Bo', ask)({ fresh: true })).toBe('t3')
    const soon = edge(Date.now() + 10_000)
    await identity('Cy', soon)({ fresh: false })
    await identity('Cy', soon)({ fresh: false })
    expect(soon).toHaveBeenCalledTimes(2)
  })

  it('stays the same user while a session goes on, whatever other tabs do and the clock says', async () => {
    const ask = edge(Date.now() + 10_000)
    const ada = identity('Ada', ask)
    expect(await ada({ fresh: false })).toBe('t1')
    await identity('Bo', ask)({ fresh: false })
    // Asked for once, a token of another user is not asked for again.
    for (const fresh of [false, true, true]) expect(await ada({ fresh, user: 'u1' })).toBe('t1')
    expect(ask).toHaveBeenCalledTimes(3)
    // Without a session to keep, a new guest is as good.
    expect(await ada({ fresh: true })).toBe('t4')
    expect(await ada({ fresh: false, user: 'u4' })).toBe('t4')
  })

  it('is let in where nothing can be stored', async () => {
    const full = vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    expect(await identity('Ada', edge())({ fresh: false })).toBe('t1')
    full.mockRestore()
  })

  it.each([
    [403, 'forbidden'],
    [400, 'forbidden'],
    [429, 'rate_limited'],
    [503, 'unavailable'],
  ])('that is answered %i hears %s', async (status, code) => {
    const ask = async () => new Response('', { status })
    await expect(identity('Ada', ask)({ fresh: false })).rejects.toMatchObject({ code })
  })

  it.each(['no json', '{}', '[]', '{"token":3}'])('starts anew on what else is stored: %s', async (stored) => {
    localStorage.setItem('callmesh.token', stored)
    expect(await identity('Ada', edge())({ fresh: false })).toBe('t1')
  })
})

describe('a given token', () => {
  beforeEach(() => localStorage.clear())

  it('is taken from the link, kept, and gone from the address', async () => {
    const token = jwt(Date.now() + HOUR)
    const past = open(`#token=${token}`)
    expect(past.replaceState).toHaveBeenCalledWith({ back: '/' }, '', '/r/a?x=1')
    expect(hasGivenToken()).toBe(true)
    const ask = edge()
    expect(await identity('Ada', ask)({ fresh: true })).toBe(token)
    expect(ask).not.toHaveBeenCalled()
  })

  it('gives way to a guest once it has expired', async () => {
    open(`#token=${jwt(Date.now() - HOUR)}`)
    expect(hasGivenToken()).toBe(false)
    expect(await identity('Ada', edge())({ fresh: false })).toBe('t1')
  })

  it('is not looked for elsewhere', () => {
    expect(open('#other').replaceState).not.toHaveBeenCalled()
    expect(hasGivenToken()).toBe(false)
  })
})

describe('the configuration', () => {
  it('is read, or null when it cannot be', async () => {
    expect(await readConfig(async () => Response.json({ guests: true, region: 'eu', version: '1' }))).toMatchObject({ guests: true })
    expect(await readConfig(async () => new Response('', { status: 502 }))).toBeNull()
    expect(await readConfig(() => Promise.reject(new TypeError('offline')))).toBeNull()
  })
})
