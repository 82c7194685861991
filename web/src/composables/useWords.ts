import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { isLanguage, keepLanguage, type Language } from '@/i18n'
import type { MessageKey } from '@/i18n/en'
import type { Sentence } from './pathWords'

/** The page's words in the reader's language: `say(key)`, and `language` to read or change it for good. */
export function useWords() {
  const { t, locale } = useI18n({ useScope: 'global' })

  /** `named` fills the message's holes; a hole called `n` also chooses between singular and plural. */
  function say(key: MessageKey, named: Record<string, string | number> = {}): string {
    return typeof named.n === 'number' ? t(key, named, named.n) : t(key, named)
  }

  return {
    say,
    sentence: (sentence: Sentence): string => say(sentence.key, sentence.named),
    language: computed<Language>({
      get: () => (isLanguage(locale.value) ? locale.value : 'en'),
      set: (language) => {
        locale.value = language
        keepLanguage(language)
      },
    }),
  }
}
