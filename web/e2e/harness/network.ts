import type { CDPSession, Page } from 'playwright-core'
import type { Visitor } from './visitor'

/** What the network does to a page. */
export interface Weather {
  /** Of the packets of calls, in percent. */
  loss?: number
  /** Added to each packet's way out and in, ms. */
  latencyMs?: number
  /** What the page can send, bits per second. */
  uploadBps?: number
}

/** Of two sessions only the first would have its way. */
const sessions = new WeakMap<Page, CDPSession>()

/**
 * Makes a visitor's network worse, or better again, as Chromium's developer tools do; calls are meant too. Only sockets that were opened in some
 * weather feel it change, so the first is to be set before the page is opened.
 */
export async function setWeather(visitor: Visitor, { loss = 0, latencyMs = 0, uploadBps }: Weather): Promise<void> {
  const { page } = visitor
  const tools = sessions.get(page) ?? (await page.context().newCDPSession(page))
  sessions.set(page, tools)
  await tools.send('Network.enable')
  await tools.send('Network.emulateNetworkConditions', {
    offline: false,
    // Chromium takes conditions that neither delay nor slow down for none at all.
    latency: Math.max(1, latencyMs),
    downloadThroughput: -1,
    uploadThroughput: uploadBps === undefined ? -1 : uploadBps / 8,
    packetLoss: loss,
    // As a home router has; without a bound nothing would ever be dropped.
    packetQueueLength: uploadBps === undefined ? 0 : 50,
    packetReordering: false,
  })
}
