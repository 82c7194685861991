import { readonly, ref } from 'vue'
import type { RingClick } from '@/offline/ringClick'

export type NotificationState = 'unsupported' | 'ask' | 'granted' | 'denied'

const state = ref<NotificationState>(read())

/** Whether calls may be told of while the page is hidden. */
export const notificationState = readonly(state)

function read(): NotificationState {
  if (typeof Notification === 'undefined') return 'unsupported'
  return Notification.permission === 'default' ? 'ask' : Notification.permission
}

/** Asks the reader. Only from a click, or browsers refuse by themselves. */
export async function askForNotifications(): Promise<void> {
  if (state.value === 'unsupported') return
  await Notification.requestPermission().catch(() => undefined)
  state.value = read()
}

/** What the notification says; it is told in the page's language. */
export interface RingWords {
  title: string
  body: string
  accept: string
  decline: string
}

/** What the reader may answer on the notification itself. */
export interface RingAnswers {
  accept(): void
  decline(): void
}

/** Tells of a call while the page is hidden; several tabs tell it once. Returns the end of it. */
export function showRing(call: string, words: RingWords, answers: RingAnswers): () => void {
  state.value = read()
  if (state.value !== 'granted' || !document.hidden) return () => {}
  const end = new AbortController()
  void show(call, words, answers, end.signal)
  return () => end.abort()
}

async function show(call: string, { title, body, accept, decline }: RingWords, answers: RingAnswers, end: AbortSignal): Promise<void> {
  // The page rings by itself, if it may.
  const options = { body, tag: call, requireInteraction: true, silent: true, icon: '/favicon.svg' }
  const worker = await navigator.serviceWorker?.getRegistration().catch(() => undefined)
  if (end.aborted) return
  if (worker?.active) {
    // The worker takes the clicks. On Android there is no other way, and only so a notification has buttons.
    navigator.serviceWorker.addEventListener('message', ({ data }) => take(data, call, answers), { signal: end })
    const actions = [{ action: 'accept', title: accept }, { action: 'decline', title: decline }]
    const shown = await worker.showNotification(title, { ...options, actions } as NotificationOptions).then(() => true, () => false)
    const close = () => void worker.getNotifications({ tag: call }).then((all) => all.forEach((one) => one.close()), () => undefined)
    if (shown && !end.aborted) end.addEventListener('abort', close, { once: true })
    else if (shown) close()
    return
  }
  try {
    const shown = new Notification(title, options)
    shown.onclick = () => {
      window.focus()
      shown.close()
    }
    end.addEventListener('abort', () => shown.close(), { once: true })
  } catch {
    // A browser that wants a worker for it, and has none.
  }
}

function take(message: unknown, call: string, answers: RingAnswers): void {
  const { ringClick, call: of } = (message ?? {}) as Partial<RingClick>
  if (of === call && (ringClick === 'accept' || ringClick === 'decline')) answers[ringClick]()
}
