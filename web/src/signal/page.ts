import type { SignalClient } from './client'

/** What of a window is listened to here. */
type Page = Pick<Window, 'addEventListener' | 'removeEventListener'> & { document: Pick<Document, 'visibilityState' | 'addEventListener' | 'removeEventListener'> }

const TICK_MS = 3_000
// More than a busy page is ever late.
const SLEPT_MS = 10_000

/**
 * Lets the client know what the page knows: that the network went or came back, that the reader or the machine came back, and that the page goes away.
 * A page that is unloaded ends its session, so that a reload doesn't leave a ghost in the rosters; one that is only
 * frozen (bfcache) may come back and resume. Returns the end of it.
 */
export function bindPage(signal: SignalClient, page: Page = window): () => void {
  const wake = () => signal.wake()
  // The browser knows before the line does, which would notice at its next ping. Not worth an attempt to connect, though.
  const doubt = () => {
    if (signal.state === 'open') signal.wake()
  }
  const visible = () => {
    if (page.document.visibilityState === 'visible') signal.wake()
  }
  const hide = (event: Event) => {
    if (!(event as PageTransitionEvent).persisted) signal.close()
  }
  // A machine that wakes from sleep tells nobody, and timers may go on as if no time had passed; only the clock on the wall has moved. One that
  // was set, or a hidden page whose timers run once a minute, looks the same and costs no more than a ping.
  let seen = Date.now()
  const tick = setInterval(() => {
    const now = Date.now()
    if (now - seen > SLEPT_MS) signal.wake()
    seen = now
  }, TICK_MS)
  page.addEventListener('online', wake)
  page.addEventListener('offline', doubt)
  page.addEventListener('pageshow', wake)
  page.addEventListener('pagehide', hide)
  page.document.addEventListener('visibilitychange', visible)
  return () => {
    clearInterval(tick)
    page.removeEventListener('online', wake)
    page.removeEventListener('offline', doubt)
    page.removeEventListener('pageshow', wake)
    page.removeEventListener('pagehide', hide)
    page.document.removeEventListener('visibilitychange', visible)
  }
}
