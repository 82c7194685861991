import type { User } from '../state'
import type { Stop } from './frames'

/**
 * `asked` is for the receiver to decide. `waiting` goes on by itself once the two pages hear each other. `checking`: all was sent, and is not yet
 * known to be right. The last four are ends.
 */
export type FileState = 'waiting' | 'asked' | 'moving' | 'checking' | 'done' | 'declined' | 'cancelled' | 'failed'

/** A file on its way between us and one peer. */
export interface FileView {
  id: string
  /** Sent by us. */
  mine: boolean
  /** Who is at the other end. */
  user: User
  /** Whether somebody is at the other end now. */
  there: boolean
  /** Safe to show and to save. */
  name: string
  /** Of all, in bytes. */
  size: number
  /** The media type, as the sender calls it; empty if it doesn't. */
  type: string
  state: FileState
  /** Stored at the receiver, in bytes. */
  stored: number
  /** Bytes a second; 0 while it isn't known. */
  rate: number
  /** When it was offered, in Unix ms. */
  at: number
  /** Why it ended; null while it hasn't, and once it is done. */
  stop: Stop | null
}

/** Whether nothing will happen any more. */
export function isOver(state: FileState): boolean {
  return state === 'done' || state === 'declined' || state === 'cancelled' || state === 'failed'
}
