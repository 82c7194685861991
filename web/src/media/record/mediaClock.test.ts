import { describe, expect, it } from 'vitest'
import { MediaClock } from './mediaClock'

/** The sound's clock goes in steps of so many seconds, and faster by so much of itself than the page's. */
function clocks(step: number, drift: number) {
  const times = { steady: 100, sound: () => (times.steady - 100) * (1 + drift) }
  const context = {
    get currentTime() {
      return Math.floor(times.sound() / step) * step
    },
  }
  return { times, clock: new MediaClock(context, () => times.steady) }
}

describe('the clock of a sound context', () => {
  for (const drift of [200e-6, -200e-6]) {
    it(`stays with the sound’s true time, whose buffers are long, over 20 minutes at ${drift * 1e6} ppm`, () => {
      const { times, clock } = clocks(0.02, drift)
      let worst = 0
      for (; times.steady < 100 + 20 * 60; times.steady += 0.0663) {
        const off = clock.now() - times.sound()
        if (times.steady > 101) worst = Math.max(worst, Math.abs(off))
      }
      expect(worst).toBeLessThan(0.02)
    })
  }

  it('never goes back, and stands when the context stands', () => {
    const { times, clock } = clocks(0.01, 0)
    let last = -Infinity
    for (let n = 0; n < 200; n++) {
      times.steady += n % 3 === 0 ? 0.013 : 0.004
      const now = clock.now()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
    }
    const stuck = new MediaClock({ currentTime: 5 }, () => times.steady)
    stuck.now()
    times.steady += 60
    const stood = stuck.now()
    times.steady += 60
    expect(stuck.now()).toBe(stood)
    expect(stood).toBeLessThan(5.5)
  })
})
