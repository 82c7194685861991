import { computed, shallowRef } from 'vue'
import { browserFamily } from './browserFamily'

/** Chromium's offer to install the page; no standard yet, so TypeScript's DOM does not have it. */
interface InstallPrompt extends Event {
  prompt(): Promise<unknown>
}

// Comes once, soon after the page was loaded, and is good for one question.
const offer = shallowRef<InstallPrompt | null>(null)
const installed = shallowRef(false)

/** From the start of the page, before anything could ask. */
export function listenForInstall(page: Pick<Window, 'addEventListener'> = window): void {
  page.addEventListener('beforeinstallprompt', (event) => {
    // The browser's own banner would lie over a call.
    event.preventDefault()
    offer.value = event as InstallPrompt
  })
  page.addEventListener('appinstalled', () => {
    offer.value = null
    installed.value = true
  })
}

/** How this page becomes an app of its own here: `ask` by a click, `byHand` by the browser's menu alone, null if it cannot, or is one already. */
export function useInstall() {
  const way = computed<'ask' | 'byHand' | null>(() => {
    if (installed.value || matchMedia('(display-mode: standalone)').matches) return null
    if (offer.value) return 'ask'
    return browserFamily() === 'ios' ? 'byHand' : null
  })

  async function install(): Promise<void> {
    const event = offer.value
    offer.value = null
    // Declining is an answer; the browser offers it again when it likes.
    await event?.prompt().catch(() => undefined)
  }

  return { way, install }
}
