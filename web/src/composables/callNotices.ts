import type { RoomSnapshot } from '@/call/state'
import type { Sentence } from './pathWords'

export type NoticeAct = 'hear' | 'stopScreen' | 'dismiss'

/** Something to tell over the call. `id` stays the same while it is the same notice. */
export interface Notice {
  id: string
  tone: 'calm' | 'good' | 'warn'
  title: Sentence
  body?: Sentence
  act?: NoticeAct
  /** What a feature's notice offers to do. */
  button?: { label: Sentence; run: () => void }
  /** The other answer to it. */
  otherwise?: { label: Sentence; run: () => void }
}

/** What the state of the call itself calls for, most urgent first. */
export function callNotices(state: {
  room: RoomSnapshot
  /** The line has been away for long enough to be worth a word. */
  away: boolean
  recovered: boolean
  /** The mesh knows us as another user than before. */
  renamed: boolean
  soundBlocked: boolean
}): Notice[] {
  const { room, away, recovered, renamed, soundBlocked } = state
  const notices: Notice[] = []
  if (soundBlocked) {
    notices.push({ id: 'hear', tone: 'warn', title: plain('call.hear'), body: plain('call.hear.body'), act: 'hear' })
  }
  if (room.signal === 'reconnecting') {
    if (away) notices.push({ id: 'reconnecting', tone: 'warn', title: plain('notice.reconnecting'), body: plain('notice.reconnecting.body') })
  } else if (room.signal === 'connecting' || (room.signal === 'open' && !room.joined)) {
    notices.push({ id: 'connecting', tone: 'calm', title: plain('notice.connecting') })
  } else if (recovered) {
    notices.push({ id: 'recovered', tone: 'good', title: plain('notice.recovered') })
  }
  if (renamed) {
    notices.push({ id: 'new-guest', tone: 'warn', title: plain('notice.newGuest'), body: plain('notice.newGuest.body'), act: 'dismiss' })
  }
  if (room.sends.screen) {
    notices.push({ id: 'sharing', tone: 'calm', title: plain('call.sharing'), act: 'stopScreen' })
  }
  return notices
}

function plain(key: Sentence['key']): Sentence {
  return { key, named: {} }
}
