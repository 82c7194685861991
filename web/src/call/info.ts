import type { Slots } from './state'

/** What a peer says of itself in a room. */
export interface PeerInfo {
  slots: Slots
}

/** Reads a peer's info, which is a stranger's word: what it doesn't say plainly, it doesn't send. */
export function slotsOf(info: unknown): Slots {
  const slots = (info as { slots?: Partial<Record<keyof Slots, unknown>> } | null | undefined)?.slots
  return { microphone: slots?.microphone === true, camera: slots?.camera === true, screen: slots?.screen === true }
}
