// The page's languages. vue-i18n compiles messages by interpretation (JIT), so the CSP needs no 'unsafe-eval'.
import { createI18n } from 'vue-i18n'
import { en } from './en'
import { zh } from './zh'

export const LANGUAGES = [
  { code: 'en', name: 'English' },
  { code: 'zh', name: '中文' },
] as const

export type Language = (typeof LANGUAGES)[number]['code']

const KEPT = 'callmesh.language'

export function isLanguage(code: unknown): code is Language {
  return LANGUAGES.some((language) => language.code === code)
}

/** The first of the browser's languages that the page speaks; English if it speaks none of them. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const code = tag.toLowerCase().split('-')[0]
    if (isLanguage(code)) return code
  }
  return 'en'
}

/** The reader's own kind of a language, such as en-GB, where times and numbers are written otherwise than in en-US. */
export function regional(language: Language, wanted: readonly string[] = navigator.languages): string {
  return wanted.find((tag) => tag.toLowerCase().split('-')[0] === language) ?? language
}

/** What the reader chose on this device, else what the browser asks for. */
export function initialLanguage(): Language {
  const kept = localStorage.getItem(KEPT)
  return isLanguage(kept) ? kept : preferredLanguage(navigator.languages)
}

export function createWords(language: Language) {
  const words = createI18n({
    legacy: false,
    locale: language,
    fallbackLocale: 'en',
    messages: { en, zh },
    // The keys are flat: a dot in one is part of its name, not a step into an object.
    messageResolver: (messages, key) => (messages as Record<string, string>)[key] ?? null,
  })
  document.documentElement.lang = htmlTag(language)
  // What is chosen in another tab holds here too.
  addEventListener('storage', ({ key, newValue }) => {
    if (key !== KEPT || !isLanguage(newValue)) return
    words.global.locale.value = newValue
    document.documentElement.lang = htmlTag(newValue)
  })
  return words
}

/** The tag that lets browsers choose Chinese glyphs and screen readers a Chinese voice. */
function htmlTag(language: Language): string {
  return language === 'zh' ? 'zh-CN' : 'en'
}

export function keepLanguage(language: Language): void {
  localStorage.setItem(KEPT, language)
  document.documentElement.lang = htmlTag(language)
}
