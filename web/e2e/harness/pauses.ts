import type { Page } from 'playwright-core'
// For the type of window.callmesh.
import type {} from '../../src/composables/debugHandle'

/** The longest time without a new picture, and without a packet of sound, in milliseconds. */
export interface Pauses {
  picture: number
  sound: number
}

/** Measures from now on what comes from the one peer of a page; the returned function tells how it went until now. */
export async function measurePauses(page: Page): Promise<() => Promise<Pauses>> {
  const measured = await page.evaluateHandle(() => {
    const now = performance.now()
    const flows = { picture: { count: 0, at: now, longest: 0 }, sound: { count: 0, at: now, longest: 0 } }
    const note = (flow: { count: number; at: number; longest: number }, count: number) => {
      const now = performance.now()
      flow.longest = Math.max(flow.longest, now - flow.at)
      if (count !== flow.count) Object.assign(flow, { count, at: now })
    }
    const look = async () => {
      const [pc] = window.callmesh!.peerConnections().values()
      const stats = [...((await pc?.getStats())?.values() ?? [])] as Record<string, unknown>[]
      // Over all slots, of which some are silent.
      const sum = (kind: string, count: string) => stats.filter((stat) => stat.type === 'inbound-rtp' && stat.kind === kind).reduce((all, stat) => all + Number(stat[count] ?? 0), 0)
      note(flows.picture, sum('video', 'framesDecoded'))
      note(flows.sound, sum('audio', 'packetsReceived'))
      setTimeout(() => void look(), 50)
    }
    void look()
    return flows
  })
  return () => measured.evaluate(({ picture, sound }) => ({ picture: picture.longest, sound: sound.longest }))
}
