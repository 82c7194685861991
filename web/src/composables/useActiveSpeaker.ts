import { useIntervalFn } from '@vueuse/core'
import { readonly, shallowRef, watch, type Ref } from 'vue'
import { nextSpeaker, NOBODY, type ActiveSpeaker, type Voice } from './activeSpeaker'

/** Levels come five times a second; nothing is missed at this pace. */
const LOOK_MS = 250

/** Follows who of the others speaks, for as long as the scope lives; see {@link nextSpeaker}. */
export function useActiveSpeaker(voices: () => readonly Voice[]): Readonly<Ref<string | null>> {
  let state: ActiveSpeaker = NOBODY
  const peer = shallowRef<string | null>(null)
  const look = () => {
    state = nextSpeaker(state, voices(), performance.now())
    peer.value = state.peer
  }
  useIntervalFn(look, LOOK_MS)
  watch(() => voices().map((voice) => voice.peer).join(), look, { immediate: true })
  return readonly(peer)
}
