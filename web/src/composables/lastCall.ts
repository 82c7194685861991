import { shallowRef } from 'vue'
import type { ChatLine, RoomSnapshot } from '@/call/state'

/** What is left of a call when it is over. */
export interface CallRecord {
  room: string
  /** Unix ms. */
  from: number
  until: number
  /** Names of everybody else who was there, in the order in which they came. */
  people: string[]
  /** How good it was, oldest first; 1 is good, 0 poor. */
  course: number[]
  chat: ChatLine[]
}

/** More names than a card can show, and a bound for what strangers can make us remember. */
const MAX_PEOPLE = 64

/** The call that has just ended; null before the first. It lasts as long as the page. */
export const lastCall = shallowRef<CallRecord | null>(null)

/** Notes who was there, by user, under the name that was heard last. */
export class Attendance {
  private readonly names = new Map<string, string>()

  note({ peers }: RoomSnapshot): void {
    for (const { user } of peers) if (this.names.has(user.id) || this.names.size < MAX_PEOPLE) this.names.set(user.id, user.name)
  }

  people(): string[] {
    return [...this.names.values()]
  }
}

/** The chat as text that any program opens. */
export function chatText(lines: readonly ChatLine[], you: string, when: (at: number) => string): string {
  return lines.map(({ at, mine, name, text }) => `[${when(at)}] ${mine ? you : name}: ${text}\n`).join('')
}
