import { useEventListener } from '@vueuse/core'
import { onScopeDispose, readonly, ref, type Ref } from 'vue'

/** Held for less than this, in ms, the space bar on the microphone's button is a press of the button. */
const PRESS_MS = 250
/** Space does something of its own there. */
const OWN_SPACE = 'a, button, input, select, textarea, summary, video, [role^="menuitem"], [tabindex="0"], [contenteditable]:not([contenteditable="false"])'
const MICROPHONE = '[data-testid="microphone"]'

/**
 * Push to talk: while the microphone is off, it is on for as long as the space bar is held, unless space means something where the focus is. On the
 * microphone's own button it works too, where a short press stays what it was. Returns whether it is held.
 */
export function usePushToTalk(microphone: { ready: () => boolean; set: (on: boolean) => void }): Readonly<Ref<boolean>> {
  const talking = ref(false)
  let since = 0
  let onButton = false

  function stop(keep: boolean): void {
    if (!talking.value) return
    talking.value = false
    if (!keep) microphone.set(false)
  }

  useEventListener(document, 'keydown', (event: KeyboardEvent) => {
    if (event.key !== ' ') return
    if (talking.value) {
      // Neither scrolls the page nor presses the button while it is held.
      event.preventDefault()
      return
    }
    if (event.repeat || event.isComposing || event.defaultPrevented) return
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    if (document.querySelector('dialog[open]') || !microphone.ready()) return
    const target = event.target instanceof Element ? event.target : null
    onButton = target?.closest(MICROPHONE) != null
    if (!onButton && target?.closest(OWN_SPACE)) return
    event.preventDefault()
    since = event.timeStamp
    talking.value = true
    microphone.set(true)
  })
  useEventListener(document, 'keyup', (event: KeyboardEvent) => {
    if (event.key !== ' ' || !talking.value) return
    event.preventDefault()
    stop(onButton && event.timeStamp - since < PRESS_MS)
  })
  // The key's release goes to whatever takes the focus.
  useEventListener(window, 'blur', () => stop(false))
  useEventListener(document, 'visibilitychange', () => {
    if (document.visibilityState === 'hidden') stop(false)
  })
  onScopeDispose(() => stop(false))
  return readonly(talking)
}
