import { onScopeDispose, ref, watch } from 'vue'
import NewsToasts from '@/components/NewsToasts.vue'
import type { CallContext, CallFeature } from './callFeature'
import { roomNews } from './roomNews'
import { useWords } from './useWords'

/** Long enough to be read, in ms. */
const SHOWN_MS = 5_000
/** A crowd that comes at once is shown by its last few. */
const MAX = 3

/** Shows for a while who came and who left. A screen reader hears of it by the announcer. */
export function newsFeature(context: CallContext): CallFeature {
  const { sentence } = useWords()
  const news = ref<{ id: number; text: string }[]>([])
  const timers = new Set<ReturnType<typeof setTimeout>>()
  let last = 0

  watch(context.room, (now, before) => {
    for (const item of roomNews(before, now, Infinity)) {
      if (item.key !== 'said.joined' && item.key !== 'said.left') continue
      const id = ++last
      news.value = [...news.value, { id, text: sentence(item) }].slice(-MAX)
      const timer = setTimeout(() => {
        timers.delete(timer)
        news.value = news.value.filter((shown) => shown.id !== id)
      }, SHOWN_MS)
      timers.add(timer)
    }
  })
  onScopeDispose(() => timers.forEach((timer) => clearTimeout(timer)))

  return { overlay: { component: NewsToasts, props: () => ({ news: news.value }) } }
}
