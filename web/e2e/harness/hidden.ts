import type { Page } from 'playwright-core'

type Timer = (act: () => void, ms?: number, ...rest: unknown[]) => number

/** A page whose own ways of waiting are kept for when it is looked at again. */
interface Looked {
  waiting?: { frame: typeof requestAnimationFrame; picture: HTMLVideoElement['requestVideoFrameCallback']; timeout: Timer; interval: Timer }
}

/**
 * Whoever looks away, or back. A browser without a screen takes every tab for one that is looked at, so the page gets what a hidden one gets: no
 * animation frame, no callback for the frames of a video, and timers once a second (HTML §8.1.7.3); workers have none of this.
 */
export async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    const page = window as unknown as Looked & { setTimeout: Timer; setInterval: Timer }
    const video = HTMLVideoElement.prototype
    page.waiting ??= { frame: window.requestAnimationFrame, picture: video.requestVideoFrameCallback, timeout: page.setTimeout, interval: page.setInterval }
    const { frame, picture, timeout, interval } = page.waiting
    const slow = (timer: Timer): Timer => (act, ms = 0, ...rest) => timer.call(window, act, Math.max(1_000, ms), ...rest)
    window.requestAnimationFrame = hidden ? () => 0 : frame
    video.requestVideoFrameCallback = hidden ? () => 0 : picture
    page.setTimeout = hidden ? slow(timeout) : timeout
    page.setInterval = hidden ? slow(interval) : interval
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (hidden ? 'hidden' : 'visible') })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)
}
