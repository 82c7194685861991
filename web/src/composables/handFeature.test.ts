import { describe, expect, it } from 'vitest'
import { peerView } from '@/components/componenttest/mounted'
import { handsOf } from './handFeature'

const peer = (name: string, hand: boolean) => peerView(name, { status: { hand, recording: false } })
const room = (own: boolean, ...peers: ReturnType<typeof peer>[]) => ({ status: { hand: own, recording: false }, peers })

describe('raised hands', () => {
  it('stand in the order in which they rose, ours among them', () => {
    let hands = handsOf([], room(false, peer('Bo', false), peer('Cy', true)))
    hands = handsOf(hands, room(true, peer('Bo', false), peer('Cy', true)))
    hands = handsOf(hands, room(true, peer('Bo', true), peer('Cy', true)))
    expect(hands).toEqual(['p-Cy', '', 'p-Bo'])
    hands = handsOf(hands, room(true, peer('Bo', true), peer('Cy', false)))
    expect(hands).toEqual(['', 'p-Bo'])
    // Whoever raises it again stands at the end; who has left, nowhere.
    expect(handsOf(hands, room(true, peer('Cy', true)))).toEqual(['', 'p-Cy'])
  })
})
