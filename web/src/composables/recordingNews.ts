import type { RoomSnapshot } from '@/call/state'
import type { Sentence } from './pathWords'

/** Who began or ended a recording between two looks at a room. Who records already when we come is news to us. */
export function recordingNews(before: RoomSnapshot, after: RoomSnapshot): Sentence[] {
  const recorded = new Map(before.peers.map(({ peer, status }) => [peer, status.recording]))
  return after.peers.flatMap(({ peer, user: { name }, status: { recording } }): Sentence[] => {
    if (recording === (recorded.get(peer) ?? false)) return []
    return [{ key: recording ? 'recording.said.by' : 'recording.said.ended', named: { name } }]
  })
}
