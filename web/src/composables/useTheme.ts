import { useMediaQuery } from '@vueuse/core'
import { computed, ref, watchEffect } from 'vue'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEPT = 'callmesh.theme'

function kept(): Theme {
  const theme = localStorage.getItem(KEPT)
  return THEMES.find((known) => known === theme) ?? 'system'
}

// One choice for the whole page, however many components show it.
const choice = ref<Theme>('system')

/** The reader's choice of light or dark, outside the call. */
export function useTheme() {
  return computed<Theme>({
    get: () => choice.value,
    set: (theme) => {
      choice.value = theme
      localStorage.setItem(KEPT, theme)
    },
  })
}

/** Puts the choice into effect on the page's root, and follows the system while nothing else was chosen. Once, by the app. */
export function applyTheme(): void {
  choice.value = kept()
  const systemIsDark = useMediaQuery('(prefers-color-scheme: dark)')
  watchEffect(() => {
    const dark = choice.value === 'dark' || (choice.value === 'system' && systemIsDark.value)
    document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  })
}
