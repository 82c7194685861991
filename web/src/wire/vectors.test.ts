import { describe, expect, it } from 'vitest'
import { afterClose } from '../signal/close'
import { Requests } from '../signal/requests'
import { parseMid, Seen } from '../signal/seen'
import { ANSWERS, CLOSES, ERRORS, EVENT_VECTORS, MIDS, REQUESTS } from './vectors.gen'
import { CLOSE, ERROR_CODES, EVENTS, MAX_FRAME_BYTES, OPS, SUBPROTOCOL } from './wire.gen'

// The same examples run against the Go decoder and encoder; the compiler has checked their types.

const names = (list: Iterable<string>) => [...new Set(list)].sort()

describe('the examples', () => {
  it('show every op, event, error and close code', () => {
    expect(names(REQUESTS.map((v) => v.op))).toEqual(names(OPS))
    expect(names(ANSWERS.map((v) => v.op))).toEqual(names(OPS))
    expect(names(EVENT_VECTORS.map((v) => v.event.ev))).toEqual(names(EVENTS))
    expect(names(ERRORS.map((v) => v.error.code))).toEqual(names(ERROR_CODES))
    expect(Object.fromEntries(CLOSES.map((v) => [v.name, v.code]))).toEqual(CLOSE)
  })

  it('stay within the bounds of the contract', () => {
    expect(SUBPROTOCOL).toBe('callmesh.v1')
    for (const { frame } of [...REQUESTS, ...ANSWERS, ...ERRORS, ...EVENT_VECTORS]) {
      expect(new TextEncoder().encode(frame).length).toBeLessThanOrEqual(MAX_FRAME_BYTES)
    }
  })
})

describe('frames', () => {
  it.each(REQUESTS)('request: $name', ({ op, args }) => {
    // Go reads {id, op, ...args} back into args: see TestArgsRoundTrip.
    const request = new Requests().add(op, args, 60_000, () => {}, () => {})
    expect(JSON.parse(request?.frame ?? '')).toEqual({ id: request?.id, op, ...args })
  })

  it.each(ANSWERS)('ok: $name', ({ frame, id, ok }) => {
    expect(JSON.parse(frame)).toEqual({ id, ok })
  })

  it.each(ERRORS)('error: $name', ({ frame, id, error }) => {
    expect(JSON.parse(frame)).toEqual({ id, error })
  })

  it.each(EVENT_VECTORS)('event: $name', ({ frame, event }) => {
    expect(JSON.parse(frame)).toEqual(event)
    // Only what is about the connection itself has no mid, and then no time either.
    const ofConnection = event.ev === 'goaway' || event.ev === 'ice'
    expect(event.mid !== undefined).toBe(!ofConnection)
    expect(event.at !== undefined).toBe(!ofConnection)
  })
})

describe('close codes', () => {
  it.each(CLOSES)('$code $name: $then', ({ code, then }) => {
    expect(afterClose(code)).toBe(then)
  })
})

describe('mids', () => {
  it.each(MIDS.good)('$mid', ({ mid, n }) => {
    expect(parseMid(mid)).toEqual({ source: mid.slice(0, 13), n })
  })

  it('of the examples are remembered as the highest of each source', () => {
    const seen = new Seen()
    for (const { mid } of MIDS.good) expect(seen.note(mid)).toBe(true)
    for (const { mid } of MIDS.good) expect(seen.note(mid)).toBe(false)
    expect(seen.toJSON()).toEqual(Object.fromEntries(MIDS.good.map(({ mid, n }) => [mid.slice(0, 13), n])))
  })
})
