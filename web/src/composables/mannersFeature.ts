import { useWakeLock } from '@vueuse/core'
import { onScopeDispose, ref, watch } from 'vue'
import type { CallContext, CallFeature } from './callFeature'
import type { Notice } from './callNotices'
import { usePushToTalk } from './usePushToTalk'

/** After the last word into a microphone that is off, in ms. */
const NUDGE_MS = 8_000

/** What a call does unasked: it keeps the screen awake, hears the space bar, and says so when somebody talks to a microphone that is off. */
export function mannersFeature(context: CallContext): CallFeature {
  // Refused in power saving and by some browsers: then the screen sleeps as it always did.
  const wake = useWakeLock()
  void wake.request('screen').catch(() => undefined)
  onScopeDispose(() => void wake.release().catch(() => undefined))

  const microphone = () => context.devices().microphone
  const turn = (on: boolean) => void context.media.setMicrophone(on)
  const talking = usePushToTalk({ ready: () => microphone().state === 'off' && microphone().problem === null, set: turn })

  const touch = matchMedia('(hover: none)').matches
  const unheard = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = context.media.onVoiceWhileMuted(() => {
    if (context.room().peers.length === 0) return
    unheard.value = true
    clearTimeout(timer)
    timer = setTimeout(() => (unheard.value = false), NUDGE_MS)
  })
  watch(
    () => microphone().state,
    (state) => {
      if (state !== 'off') unheard.value = false
    },
  )
  onScopeDispose(() => {
    end()
    clearTimeout(timer)
  })

  return {
    notices: (): Notice[] => {
      if (talking.value) return [{ id: 'talking', tone: 'good', title: { key: 'manners.talking', named: {} } }]
      if (!unheard.value) return []
      return [
        {
          id: 'muted',
          tone: 'warn',
          title: { key: 'manners.muted', named: {} },
          body: { key: touch ? 'manners.muted.touch' : 'manners.muted.body', named: {} },
          button: { label: { key: 'control.microphone.off', named: {} }, run: () => turn(true) },
          act: 'dismiss',
        },
      ]
    },
  }
}
