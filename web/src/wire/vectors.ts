// The shapes of the examples in vectors.gen.ts: for the tests alone, so no part of the page imports this.

import type { CLOSE, ErrorBody, EventName, Events, Op, Ops } from './wire.gen'

/** A request as a client may write it, and what an edge reads from it. */
export type RequestVector = { [K in Op]: { name: string; op: K; id: number; frame: string; args: Ops[K]['args'] } }[Op]

export type AnswerVector = { [K in Op]: { name: string; op: K; id: number; frame: string; ok: Ops[K]['ok'] } }[Op]

export interface ErrorVector {
  name: string
  op: Op
  id: number
  frame: string
  error: ErrorBody
}

export type EventVector = { [E in EventName]: { name: string; frame: string; event: Events[E] } }[EventName]

export interface CloseVector {
  name: keyof typeof CLOSE
  code: number
  /** What a client does after it. */
  then: 'resume' | 'hello' | 'stop'
}

export interface MidVectors {
  /** `source` in hexadecimal, as an edge keeps it. */
  good: { mid: string; source: string; n: number }[]
  bad: string[]
}
