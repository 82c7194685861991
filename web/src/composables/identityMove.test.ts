// @vitest-environment node
import { describe, expect, it, vi } from 'vitest'
import { fromBase64url, toBase64url } from './base64url'
import { MoveError, offerMove, parseMove, seal, takeMove, unseal } from './identityMove'

const SECRET = toBase64url(new Uint8Array(32).fill(7))
const ME = { secret: SECRET, name: '王小明', picture: null }
const problem = (promise: Promise<unknown>) => promise.then(() => 'none', (thrown: unknown) => (thrown instanceof MoveError ? thrown.problem : String(thrown)))

/** A mesh that keeps what it is given, once. */
function mesh() {
  const kept = new Map<string, string>()
  return vi.fn<typeof fetch>(async (path, init) => {
    const { data, code } = JSON.parse(String(init!.body)) as { data?: string; code?: string }
    if (path === '/v1/move') {
      kept.set('eu.c1', data!)
      return Response.json({ code: 'eu.c1', expiresAt: 99 })
    }
    const found = kept.get(code!)
    kept.delete(code!)
    return found === undefined ? new Response('{}', { status: 410 }) : Response.json({ data: found })
  })
}

describe('an identity that moves', () => {
  it('arrives whole, once, and the mesh cannot read it', async () => {
    const ask = mesh()
    const { link, expiresAt } = await offerMove(ME, 'token', ask, 'https://x.example')
    expect(expiresAt).toBe(99)
    expect(ask.mock.calls[0]![1]!.headers).toMatchObject({ Authorization: 'Bearer token' })
    const sent = String(ask.mock.calls[0]![1]!.body)
    expect(sent).not.toContain(SECRET)
    const { code, key } = parseMove(new URL(link).hash.slice('#move='.length))!
    expect(sent).not.toContain(key)
    expect(await takeMove(code, key, ask)).toEqual(ME)
    expect(String(ask.mock.calls[1]![1]!.body)).toBe('{"code":"eu.c1"}')
    expect(await problem(takeMove(code, key, ask))).toBe('gone')
  })

  it('stays within what the mesh keeps, if need be without its picture', async () => {
    const small = `data:image/webp;base64,${'A'.repeat(2_000)}`
    const one = await seal({ ...ME, picture: small })
    expect((await unseal(one.data, one.key)).picture).toBe(small)
    const large = await seal({ ...ME, picture: `data:image/webp;base64,${'A'.repeat(4_000)}` })
    expect(large.data.length).toBeLessThanOrEqual(4_096)
    expect(await unseal(large.data, large.key)).toEqual(ME)
  })

  it('is refused when it was changed, when the key is another, and when it is no identity', async () => {
    const { data, key } = await seal(ME)
    const changed = fromBase64url(data)!
    changed[20]! ^= 1
    expect(await problem(unseal(toBase64url(changed), key))).toBe('broken')
    expect(await problem(unseal(data, toBase64url(new Uint8Array(32))))).toBe('broken')
    const none = await seal({ secret: 'short', name: 'x', picture: null })
    expect(await problem(unseal(none.data, none.key))).toBe('broken')
    const script = await seal({ ...ME, picture: 'data:image/svg+xml;base64,AAAA' })
    expect((await unseal(script.data, script.key)).picture).toBeNull()
  })

  it('uses no link up that could not be opened then', async () => {
    const ask = mesh()
    expect(await problem(takeMove('eu.c1', 'short', ask))).toBe('broken')
    expect(ask).not.toHaveBeenCalled()
  })

  it.each([
    [429, 'limited'],
    [503, 'failed'],
    [401, 'failed'],
    [400, 'broken'],
  ])('is answered %i as %s', async (status, shown) => {
    expect(await problem(offerMove(ME, 't', async () => new Response('', { status }), ''))).toBe(shown)
  })

  it.each(['', '.', 'a', 'a.', '.b'])('does not come by %j', (text) => expect(parseMove(text)).toBeNull())
})
