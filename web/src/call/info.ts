import { checkedPicture } from './picture'
import type { Slots } from './state'
import { SLOTS } from './state'

/** What a peer says of itself in a room beside what it sends. Every part is optional on the wire, and false if it is not said. */
export interface PeerStatus {
  /** Wants to speak. */
  hand: boolean
  /** Is recording what others say or show, which they have a right to know. */
  recording: boolean
}

/** `info` on the wire. */
export interface PeerInfo extends Partial<PeerStatus> {
  slots: Slots
  /** A small one, as a data URL; see picture.ts. */
  picture?: string
}

export const NO_STATUS: PeerStatus = { hand: false, recording: false }

/** Reads a peer's info, which is a stranger's word: what it doesn't say plainly, it doesn't send. */
export function slotsOf(info: unknown): Slots {
  const slots = (info as { slots?: Partial<Record<keyof Slots, unknown>> } | null | undefined)?.slots
  return { microphone: slots?.microphone === true, camera: slots?.camera === true, screen: slots?.screen === true }
}

export function statusOf(info: unknown): PeerStatus {
  const said = info as Partial<Record<keyof PeerStatus, unknown>> | null | undefined
  return { hand: said?.hand === true, recording: said?.recording === true }
}

/** The picture that a peer gives of itself, null for none. */
export function pictureIn(info: unknown): string | null {
  return checkedPicture((info as { picture?: unknown } | null | undefined)?.picture)
}

/** What we tell the room; what is not so is left out. */
export function infoOf(slots: Slots, status: PeerStatus, picture: string | null = null): PeerInfo {
  return { slots, ...(status.hand && { hand: true }), ...(status.recording && { recording: true }), ...(picture !== null && { picture }) }
}

/** Whether the two tell the same. */
export function sameInfo(a: PeerInfo, b: PeerInfo | null): boolean {
  return b !== null && SLOTS.every((slot) => a.slots[slot] === b.slots[slot]) && a.hand === b.hand && a.recording === b.recording && a.picture === b.picture
}
