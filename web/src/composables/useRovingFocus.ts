import { onMounted, onUpdated, type Ref } from 'vue'
import { useEventListener } from '@vueuse/core'

/** One stop of the Tab key for a whole toolbar, and arrows within it, as the WAI-ARIA Authoring Practices have it. `items` selects its buttons. */
export function useRovingFocus(toolbar: Readonly<Ref<HTMLElement | null>>, items: string): void {
  let last: HTMLElement | null = null
  const all = () => [...(toolbar.value?.querySelectorAll<HTMLElement>(items) ?? [])].filter((item) => !item.closest('[role="menu"]'))
  const usable = () => all().filter((item) => !item.matches(':disabled'))

  function settle(): void {
    const here = usable()
    // What had the focus may have gone, as when the page became narrow.
    const stop = last && here.includes(last) ? last : here[0]
    for (const item of all()) item.tabIndex = item === stop ? 0 : -1
  }

  onMounted(settle)
  onUpdated(settle)
  useEventListener(toolbar, 'focusin', ({ target }) => {
    const item = all().find((one) => target instanceof Node && one.contains(target))
    if (!item) return
    last = item
    settle()
  })
  useEventListener(toolbar, 'keydown', (event: KeyboardEvent) => {
    const here = usable()
    const now = here.findIndex((item) => item === document.activeElement)
    if (now < 0 || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: -1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    here.at(to % here.length)?.focus()
  })
}
