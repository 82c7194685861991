import { computed, onScopeDispose, readonly, ref, shallowRef, watch } from 'vue'
import { whileChosen } from '@/call/ringing/aloud'
import { Sounds, type TuneName } from '@/call/ringing/sounds'
import type { RingNews } from '@/call/ringing/state'
import type { MessageKey } from '@/i18n/en'
import type { Media } from '@/wire/wire.gen'
import { announce } from './announcer'
import { ringWords } from './ringWords'
import { showRing } from './ringNotification'
import { forEachSession } from './useSession'
import { useWords } from './useWords'

/** A tab that is looked at goes first; the others wait for this long, in ms. */
const HIDDEN_WAIT_MS = 500
const FLASH_MS = 1_000
/** For how long something that has passed is told, in ms. */
const TOLD_MS = 10_000

const SOUNDS: Record<RingNews['kind'], TuneName | null> = {
  accepted: 'accepted',
  ended: 'ended',
  declined: 'declined',
  busy: 'busy',
  unanswered: 'unanswered',
  offline: 'offline',
  failed: 'offline',
  taken: 'taken',
  cancelled: 'taken',
  missed: 'unanswered',
  unsent: 'offline',
}
const SAID: Record<Media, MessageKey> = { audio: 'ring.said.audio', video: 'ring.said.video', screen: 'ring.said.screen' }
/** Every tab hears of these, and the one that rang aloud says them. */
const OF_ALL_TABS: ReadonlySet<RingNews['kind']> = new Set(['taken', 'cancelled', 'missed'])
/** The others have a place of their own on the page. */
const TOLD: ReadonlySet<RingNews['kind']> = new Set(['taken', 'cancelled', 'missed', 'unsent'])

/** What is heard and told of calls wherever one is in the page: it rings, calls for attention, and says how a call ended. */
export function useRinger() {
  const { say, sentence } = useWords()
  const sounds = new Sounds()
  /** What has just passed, for as long as it is worth a word. */
  const told = shallowRef<RingNews | null>(null)
  /** What the title says in place of the page's own, every other second while it rings. */
  const flash = ref<string | null>(null)
  let forget: ReturnType<typeof setTimeout> | undefined

  forEachSession(({ calls, ringing }) => {
    let aloud = false
    const first = computed(() => calls.value.incoming[0])
    const tune = computed<TuneName | null>(() => (!first.value ? null : calls.value.engaged ? 'waiting' : 'ring'))
    const rings = computed(() => calls.value.outgoing?.state === 'ringing')

    during(tune, (name) => {
      aloud = false
      return whenTouched(sounds, () =>
        whileChosen(() => {
          aloud = true
          return sounds.loop(name)
        }),
      )
    })
    during(computed(() => rings.value || null), () => sounds.loop('ringback'))
    during(computed(() => first.value?.call ?? null), () => {
      const { call, from, media } = first.value!
      const title = say('ring.title', { name: from.name })
      announce(say(SAID[media], { name: from.name }))
      flash.value = title
      const timer = setInterval(() => (flash.value = flash.value === null ? title : null), FLASH_MS)
      const words = { title, body: say('ring.notification'), accept: say('ring.accept.audio'), decline: say('ring.decline') }
      // By voice: nobody's camera comes on by a click outside of the page.
      const close = showRing(call, words, { accept: () => void ringing.accept(call, 'audio'), decline: () => ringing.decline(call) })
      return () => {
        clearInterval(timer)
        flash.value = null
        close()
      }
    })

    onScopeDispose(
      ringing.onNews((news) => {
        const sound = SOUNDS[news.kind]
        if (sound && (aloud || !OF_ALL_TABS.has(news.kind))) sounds.play(sound)
        announce(sentence(ringWords(news)))
        if (!TOLD.has(news.kind)) return
        told.value = news
        clearTimeout(forget)
        forget = setTimeout(() => (told.value = null), TOLD_MS)
      }),
    )
  })

  return { told: readonly(told), flash: readonly(flash), dismiss: () => (told.value = null) }
}

/** Does something for as long as there is a value, anew for each; what `begin` returns ends it. */
function during<T>(source: { readonly value: T | null }, begin: (value: T) => () => void): void {
  let end = () => {}
  watch(
    () => source.value,
    (now) => {
      end()
      end = now === null ? () => {} : begin(now)
    },
    { immediate: true },
  )
  onScopeDispose(() => end())
}

/** Begins once the page may sound, which is after the reader has touched it; a page that nobody looks at lets others go first. */
function whenTouched(sounds: Sounds, begin: () => () => void): () => void {
  const waiting = new AbortController()
  let end = () => waiting.abort()
  const go = () => {
    if (waiting.signal.aborted || !sounds.audible()) return
    waiting.abort()
    end = begin()
  }
  const timer = setTimeout(go, document.hidden ? HIDDEN_WAIT_MS : 0)
  for (const touch of ['pointerup', 'keydown'] as const) document.addEventListener(touch, go, { signal: waiting.signal })
  return () => {
    clearTimeout(timer)
    end()
  }
}
