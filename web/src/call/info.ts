import { checkedPicture } from './picture'
import type { Slot, Slots } from './state'
import { FIRST_SLOTS, forEachSlot, SLOTS } from './state'

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
  const slots = said(info)
  return forEachSlot((slot) => slots?.[slot] === true)
}

/** The slots that a peer's page knows: one from before there was a screen's sound says nothing of it, and takes no offer with it. */
export function knownSlots(info: unknown): readonly Slot[] {
  const slots = said(info)
  return slots && !('screenSound' in slots) ? FIRST_SLOTS : SLOTS
}

function said(info: unknown): Partial<Record<Slot, unknown>> | null {
  const slots = (info as { slots?: unknown } | null | undefined)?.slots
  return typeof slots === 'object' ? slots : null
}

export function statusOf(info: unknown): PeerStatus {
  const status = info as Partial<Record<keyof PeerStatus, unknown>> | null | undefined
  return { hand: status?.hand === true, recording: status?.recording === true }
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
