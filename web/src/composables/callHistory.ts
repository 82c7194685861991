// The calls of this browser, kept in it: what came of each, the newest first, and no more than can be of use.
import { shallowRef } from 'vue'
import type { DBSchema, IDBPDatabase } from 'idb'
import type { CallRecord, Outcome } from '@/call/ringing/state'

/** A call, and which of the reader's identities it was of. */
export interface KeptCall extends CallRecord {
  me: string
}

interface Calls extends DBSchema {
  calls: { key: string; value: KeptCall; indexes: { at: number } }
}

/** More than anybody scrolls through. */
export const MOST_CALLS = 500

/** Several tabs see one call, and the one where it was answered knows best. */
const WEIGHT: Record<Outcome, number> = { answered: 4, declined: 3, busy: 3, cancelled: 2, unanswered: 2, offline: 2, taken: 1, missed: 0 }

/** Rises whenever something was kept, here or in another tab. */
export const historyVersion = shallowRef(0)

let opened: Promise<IDBPDatabase<Calls>> | null = null
let channel: BroadcastChannel | null = null

function open(): Promise<IDBPDatabase<Calls>> {
  opened ??= import('idb').then(({ openDB }) =>
    openDB<Calls>('callmesh', 1, {
      upgrade: (database) => void database.createObjectStore('calls', { keyPath: 'call' }).createIndex('at', 'at'),
    }),
  )
  return opened
}

/** Of two records of one call, what is to be kept. */
export function mergedRecord(before: KeptCall | undefined, now: KeptCall): KeptCall {
  if (!before || WEIGHT[now.outcome] > WEIGHT[before.outcome]) return now
  if (WEIGHT[now.outcome] < WEIGHT[before.outcome]) return before
  return { ...now, durationMs: now.durationMs ?? before.durationMs }
}

/** Keeps what became of a call. Where nothing can be stored, calls work all the same. */
export async function recordCall(me: string, entry: CallRecord): Promise<void> {
  try {
    const store = (await open()).transaction('calls', 'readwrite').store
    await store.put(mergedRecord(await store.get(entry.call), { ...entry, me }))
    for (let over = (await store.count()) - MOST_CALLS, at = await store.index('at').openCursor(); over > 0 && at; over--) {
      await at.delete()
      at = await at.continue()
    }
    await store.transaction.done
    listen()?.postMessage('changed')
    historyVersion.value++
  } catch {
    opened = null
  }
}

/** Calls of this identity, the newest first. */
export async function readCalls(me: string): Promise<KeptCall[]> {
  try {
    listen()
    return (await (await open()).getAllFromIndex('calls', 'at')).filter((call) => call.me === me).reverse()
  } catch {
    return []
  }
}

export async function clearCalls(me: string): Promise<void> {
  const store = (await open()).transaction('calls', 'readwrite').store
  for (const call of await store.getAll()) if (call.me === me) await store.delete(call.call)
  await store.transaction.done
  listen()?.postMessage('changed')
  historyVersion.value++
}

function listen(): BroadcastChannel | null {
  if (channel || typeof BroadcastChannel === 'undefined') return channel
  channel = new BroadcastChannel('callmesh.calls')
  channel.onmessage = () => historyVersion.value++
  return channel
}
