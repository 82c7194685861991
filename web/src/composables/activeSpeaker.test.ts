import { describe, expect, it } from 'vitest'
import { INTERRUPTS_MS, nextSpeaker, NOBODY, TAKES_MS, type ActiveSpeaker, type Voice } from './activeSpeaker'

const quiet = (peer: string): Voice => ({ peer, speaking: false, level: 0 })
const loud = (peer: string, level = 0.6): Voice => ({ peer, speaking: true, level })

/** Lets the same voices go on for `ms`, looked at five times a second. */
function after(ms: number, voices: Voice[], from: ActiveSpeaker & { at?: number }): ActiveSpeaker & { at: number } {
  let state: ActiveSpeaker = from
  let at = from.at ?? 0
  for (const end = at + ms; at < end; at += 200) state = nextSpeaker(state, voices, at)
  return { ...state, at }
}

describe('the active speaker', () => {
  it('is nobody in an empty room, and whoever came first in a silent one', () => {
    expect(nextSpeaker(NOBODY, [], 0).peer).toBeNull()
    expect(nextSpeaker(NOBODY, [quiet('a'), quiet('b')], 0).peer).toBe('a')
    expect(nextSpeaker(NOBODY, [quiet('a'), loud('b')], 0).peer).toBe('b')
  })

  it('is not moved by a cough, even several', () => {
    let state = after(1_000, [quiet('a'), quiet('b')], NOBODY)
    for (let cough = 0; cough < 5; cough++) {
      state = after(TAKES_MS - 400, [quiet('a'), loud('b', 1)], state)
      state = after(600, [quiet('a'), quiet('b')], state)
      expect(state.peer).toBe('a')
    }
  })

  it('is who speaks for a while, and stays so in silence', () => {
    let state = after(400, [quiet('a'), quiet('b')], NOBODY)
    state = after(TAKES_MS + 400, [quiet('a'), loud('b')], state)
    expect(state.peer).toBe('b')
    expect(after(60_000, [quiet('a'), quiet('b')], state).peer).toBe('b')
  })

  it('gives way to who talks over it only for long and louder', () => {
    const first = after(TAKES_MS + 400, [loud('a'), quiet('b')], NOBODY)
    expect(after(INTERRUPTS_MS - 400, [loud('a', 0.5), loud('b', 0.8)], first).peer).toBe('a')
    expect(after(INTERRUPTS_MS + 400, [loud('a', 0.5), loud('b', 0.8)], first).peer).toBe('b')
    expect(after(INTERRUPTS_MS * 3, [loud('a', 0.8), loud('b', 0.5)], first).peer).toBe('a')
  })

  it('is another when it leaves: who speaks longest, else who came first', () => {
    const shown = after(TAKES_MS + 400, [quiet('a'), quiet('b'), loud('c')], NOBODY)
    expect(shown.peer).toBe('c')
    expect(nextSpeaker(shown, [quiet('a'), loud('b')], shown.at).peer).toBe('b')
    expect(nextSpeaker(shown, [quiet('a'), quiet('b')], shown.at).peer).toBe('a')
  })
})
