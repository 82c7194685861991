import { isMade, madeRoom, newSecret } from '@/call/rights/made'
import { newRoomName } from './roomName'

// The secrets of rooms that were made in this browser: who has one moderates the room. They never leave it but to the mesh, and are in no link.
const KEPT = 'callmesh.made'
const MOST = 50

/** Makes a room that this browser moderates; where browsers give no hashes (plain http) or keep nothing, a room that nobody does. */
export async function makeRoom(storage: Storage = localStorage): Promise<string> {
  if (!globalThis.crypto?.subtle) return newRoomName()
  const secret = newSecret()
  const room = await madeRoom(secret)
  try {
    storage.setItem(KEPT, JSON.stringify([[room, secret], ...read(storage)].slice(0, MOST)))
  } catch {
    return newRoomName()
  }
  return room
}

/** The secret of a room, if it was made here. */
export function secretOf(room: string, storage: Storage = localStorage): string | undefined {
  return read(storage).find(([made]) => made === room)?.[1]
}

function read(storage: Storage): [room: string, secret: string][] {
  try {
    const list: unknown = JSON.parse(storage.getItem(KEPT) ?? '[]')
    return Array.isArray(list) ? list.filter(isEntry) : []
  } catch {
    return []
  }
}

function isEntry(entry: unknown): entry is [string, string] {
  return Array.isArray(entry) && typeof entry[0] === 'string' && isMade(entry[0]) && typeof entry[1] === 'string'
}
