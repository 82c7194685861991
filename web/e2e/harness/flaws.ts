/**
 * What a program can see that is wrong with how a page is laid out: content wider than the screen, controls outside of it or too small for a finger, and
 * words that are cut off. Runs in the browser, so it stands by itself. `touch`: fingers use it.
 */
export function flaws(touch: boolean): string[] {
  /** CSS pixels of a target that a finger hits. */
  const FINGER = 44
  const found: string[] = []
  const say = (what: string, element: Element) => {
    const words = (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 40)
    found.push(`${what}: <${element.tagName.toLowerCase()} ${element.getAttribute('data-testid') ?? element.className}> ${words}`)
  }
  const modal = document.querySelector('dialog:modal')
  const within = modal ?? document.body
  const wider = document.documentElement.scrollWidth - innerWidth
  if (wider > 0) found.push(`the page is ${wider} px wider than the screen`)

  const shown = (element: Element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && element.getClientRects().length > 0
  const scrollsAside = (element: Element | null): boolean =>
    element !== null && element !== document.body && (/auto|scroll/.test(getComputedStyle(element).overflowX) && element.scrollWidth > element.clientWidth + 1 || scrollsAside(element.parentElement))

  // What is drawn smaller may take more than it shows.
  const taken = (control: Element, x: number, y: number) => {
    const at = document.elementFromPoint(x, y)
    // Also where a menu lies over it at the moment.
    return at !== null && (control.contains(at) || at.closest('label')?.contains(control) === true || at.closest(':popover-open, dialog[open]:not(:modal)') !== null)
  }
  const hitBy = (control: Element, { left, top, width, height }: DOMRect) => {
    const [x, y, reach] = [left + width / 2, top + height / 2, FINGER / 2 - 1]
    // Something lies over it, or it has to be scrolled to.
    if (!taken(control, x, y)) return true
    const aside = width >= FINGER - 0.5 || (taken(control, x - reach, y) && taken(control, x + reach, y))
    return aside && (height >= FINGER - 0.5 || (taken(control, x, y - reach) && taken(control, x, y + reach)))
  }

  for (const control of within.querySelectorAll('button, a[href], input, select, textarea, summary')) {
    if (!shown(control)) continue
    // A box or a round one is hit by its words, too.
    const target = control.matches('[type="checkbox"], [type="radio"]') ? (control.closest('label') ?? control) : control
    const box = target.getBoundingClientRect()
    const { left, right, width, height } = box
    if (width <= 1 && height <= 1) continue
    if ((left < -0.5 || right > innerWidth + 0.5) && !scrollsAside(control)) say(`reaches out of the screen (${Math.round(left)} to ${Math.round(right)})`, control)
    const inText = control.matches('a, button.link') && getComputedStyle(control).display === 'inline'
    if (touch && !inText && !control.matches('[type="range"]') && !hitBy(control, box)) say(`too small for a finger (${Math.round(width)} × ${Math.round(height)})`, control)
  }

  for (const element of within.querySelectorAll('*')) {
    if (!(element instanceof HTMLElement) || !shown(element) || element.matches('.aside, .aside *, input, textarea, select')) continue
    const { overflowX, overflowY, textOverflow } = getComputedStyle(element)
    // Shown to screen readers alone.
    if (element.clientWidth <= 1 && element.clientHeight <= 1 && overflowX !== 'visible') continue
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent!.trim() !== '')
    if (own && element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline') {
      // Names are as long as strangers make them; what the page itself says has room.
      const named = textOverflow === 'ellipsis' && !element.closest('button, a, label, legend, h1, h2, h3')
      if ((overflowX === 'hidden' || overflowX === 'clip') && !named) say(textOverflow === 'ellipsis' ? 'shortened' : 'cut off', element)
      else if (overflowX === 'visible') say('words stand out of their box', element)
    }
    if (own && /hidden|clip/.test(overflowY) && element.scrollHeight > element.clientHeight + 2 && element.clientHeight > 2) say('cut off below', element)
    if (element.matches('dialog, section, aside') && overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1) say('scrolls sideways', element)
  }
  return found
}
