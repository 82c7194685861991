import type { PeerView, RoomSnapshot } from '@/call/state'
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
}

/** A round trip longer than this is felt as talking over each other (ITU-T G.114 puts the limit at 400 ms one way). */
const SLOW_MS = 400

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
  const slow = slowest(room.peers)
  if (slow) notices.push(slow)
  if (room.sends.screen) {
    notices.push({ id: 'sharing', tone: 'calm', title: plain('call.sharing'), act: 'stopScreen' })
  }
  return notices
}

/** One slow path is worth a word; with several the cause is likely the same, so the worst stands for all. */
function slowest(peers: PeerView[]): Notice | null {
  let worst: PeerView | null = null
  for (const peer of peers) {
    const ms = peer.path?.rttMs ?? 0
    if (peer.link === 'connected' && ms > SLOW_MS && ms > (worst?.path?.rttMs ?? 0)) worst = peer
  }
  if (!worst?.path) return null
  return {
    id: `slow-${worst.peer}`,
    tone: 'warn',
    title: { key: 'notice.slow', named: { name: worst.user.name, ms: Math.round(worst.path.rttMs ?? 0) } },
    body: plain(worst.path.direct ? 'notice.slow.body' : 'notice.slow.relay'),
    act: 'dismiss',
  }
}

function plain(key: Sentence['key']): Sentence {
  return { key, named: {} }
}
