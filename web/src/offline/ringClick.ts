// What a click on a notification of a call does, in the service worker; the rules alone, so that they can be tested.

/** What a page is told when its reader answers on the notification; the page checks that there is such a call. */
export interface RingClick {
  ringClick: 'accept' | 'decline' | 'open'
  call: string
}

/** A window of ours, as a service worker sees it. */
export interface PageClient {
  readonly focused: boolean
  readonly visibilityState: string
  focus(): Promise<unknown>
  postMessage(message: RingClick): void
}

/** Tells one page what was clicked, the one that is looked at if any is. Declining leaves the reader where they are. */
export async function clicked(call: string, action: string, pages: readonly PageClient[], open: () => Promise<unknown>): Promise<void> {
  const page = pages.find(({ focused }) => focused) ?? pages.find(({ visibilityState }) => visibilityState === 'visible') ?? pages[0]
  if (!page) {
    // Whoever was called had a page; it has just been closed.
    if (action !== 'decline') await open()
    return
  }
  page.postMessage({ ringClick: action === 'accept' || action === 'decline' ? action : 'open', call })
  // Browsers refuse it when they doubt the click.
  if (action !== 'decline') await page.focus().catch(() => undefined)
}
