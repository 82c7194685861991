import type { RoomSnapshot } from '@/call/state'
import type { Sentence } from './pathWords'

/** What happened in a room between two looks at it, for those who cannot see it happen. `since` (Unix ms) leaves older chat lines out. */
export function roomNews(before: RoomSnapshot, after: RoomSnapshot, since: number): Sentence[] {
  // Those who were there before us are not news.
  if (!before.joined || !after.joined) return []
  const news: Sentence[] = []
  const then = new Map(before.peers.map((peer) => [peer.peer, peer]))
  const now = new Map(after.peers.map((peer) => [peer.peer, peer]))
  for (const [id, { user, sends }] of now) {
    const was = then.get(id)
    if (!was) news.push({ key: 'said.joined', named: { name: user.name } })
    else if (sends.screen !== was.sends.screen) {
      news.push({ key: sends.screen ? 'said.sharing' : 'said.stopped', named: { name: user.name } })
    }
  }
  for (const [id, { user }] of then) {
    if (!now.has(id)) news.push({ key: 'said.left', named: { name: user.name } })
  }
  // Ids are chosen by their writers, so two may have chosen alike.
  const read = new Set(before.chat.map(({ from, id }) => `${from} ${id}`))
  for (const { from, id, mine, at, name, text } of after.chat) {
    if (!mine && !read.has(`${from} ${id}`) && at >= since) news.push({ key: 'said.message', named: { name, text } })
  }
  return news
}
