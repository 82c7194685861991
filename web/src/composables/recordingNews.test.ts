import { describe, expect, it } from 'vitest'
import { peerView, roomView } from '@/components/componenttest/mounted'
import { recordingNews } from './recordingNews'

const quiet = peerView('Bo')
const recording = peerView('Bo', { status: { hand: false, recording: true } })
const room = (...peers: ReturnType<typeof peerView>[]) => roomView({ peers })

describe('news of recordings', () => {
  it('tells who began and who ended, once', () => {
    expect(recordingNews(room(quiet), room(recording))).toEqual([{ key: 'recording.said.by', named: { name: 'Bo' } }])
    expect(recordingNews(room(recording), room(recording))).toEqual([])
    expect(recordingNews(room(recording), room(quiet))).toEqual([{ key: 'recording.said.ended', named: { name: 'Bo' } }])
  })

  it('tells a newcomer who records already, and nothing of who is quiet', () => {
    expect(recordingNews(room(), room(recording))).toHaveLength(1)
    expect(recordingNews(room(), room(quiet))).toEqual([])
  })
})
