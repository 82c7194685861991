import { useEventListener } from '@vueuse/core'

/** The keys of the call, as the help shows them. */
export const SHORTCUTS = { microphone: 'm', camera: 'v', screen: 's', chat: 'c' } as const

export type Shortcut = keyof typeof SHORTCUTS

const TYPING = 'input, textarea, select, [contenteditable]:not([contenteditable="false"])'

/** Runs the action of a key pressed alone, unless it goes into a field or a dialog is open over the call. */
export function useShortcuts(actions: Record<Shortcut, () => void>, more: () => { shortcut?: string; disabled?: boolean; run: () => void }[] = () => []): void {
  useEventListener(document, 'keydown', (event: KeyboardEvent) => {
    if (event.repeat || event.isComposing || event.defaultPrevented) return
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    if (event.target instanceof Element && event.target.closest(TYPING)) return
    if (document.querySelector('dialog[open]')) return
    const key = event.key.toLowerCase()
    for (const name of Object.keys(SHORTCUTS) as Shortcut[]) {
      if (SHORTCUTS[name] === key) {
        event.preventDefault()
        actions[name]()
        return
      }
    }
    const action = more().find(({ shortcut, disabled }) => shortcut === key && !disabled)
    if (action) {
      event.preventDefault()
      action.run()
    }
  })
}
