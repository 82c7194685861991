import type { Page } from 'playwright-core'

interface Heard {
  /** Frequencies in Hz of the tones that were begun, in order. */
  tones: number[]
  /** The loudest sample since {@link quiet}, 0 to 1. */
  loudest: number
}

declare global {
  interface Window {
    heard?: Heard
  }
}

/** Listens to what a page itself sounds like, apart from the others' voices: which tones, and how loud it gets at the speakers. Call before the page is opened. */
export async function hear(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const heard: Heard = (window.heard = { tones: [], loudest: 0 })
    const start = OscillatorNode.prototype.start
    OscillatorNode.prototype.start = function (when?: number) {
      heard.tones.push(Math.round(this.frequency.value))
      start.call(this, when)
    }
    const connect = AudioNode.prototype.connect as (this: AudioNode, to: AudioNode) => AudioNode
    const ears = new WeakMap<AudioNode, AnalyserNode>()
    AudioNode.prototype.connect = function (this: AudioNode, to: AudioNode) {
      if (to instanceof AudioDestinationNode) {
        let ear = ears.get(to)
        if (!ear) {
          ears.set(to, (ear = new AnalyserNode(this.context, { fftSize: 2048 })))
          const samples = new Float32Array(2048)
          setInterval(() => {
            ear!.getFloatTimeDomainData(samples)
            for (const sample of samples) heard.loudest = Math.max(heard.loudest, Math.abs(sample))
          }, 20)
        }
        connect.call(this, ear)
      }
      return connect.call(this, to)
    } as typeof AudioNode.prototype.connect
  })
}

/** What was heard since the last {@link quiet}. */
export function heardAt(page: Page): Promise<Heard> {
  return page.evaluate(() => window.heard!)
}

/** Forgets what was heard. */
export async function quiet(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.heard!.tones.length = 0
    window.heard!.loudest = 0
  })
}
