import { readonly, ref } from 'vue'

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

/** Tells of a call while the page is hidden; several tabs tell it once. Returns the end of it. */
export function showRing(call: string, title: string, body: string): () => void {
  state.value = read()
  if (state.value !== 'granted' || !document.hidden) return () => {}
  try {
    // The page rings by itself, if it may.
    const shown = new Notification(title, { body, tag: call, requireInteraction: true, silent: true, icon: '/favicon.svg' })
    shown.onclick = () => {
      window.focus()
      shown.close()
    }
    return () => shown.close()
  } catch {
    // On Android only a service worker may.
    return () => {}
  }
}
