import { computed, onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import type { CurrentCall } from '@/call/ringing/state'
import type { RoomSnapshot } from '@/call/state'
import { durationWords } from './durationWords'
import { placeCall } from './screenCall'
import { session } from './useSession'
import { useWords } from './useWords'

const BACK_MS = 30_000

/**
 * The call that a room is for, if it came about by ringing: who leaves it, ends it for both. `empty` is run when the other side has ended it and nobody is there any
 * more: others who came by the link stay, and so does the other side when only its line to the mesh was lost.
 */
export function useRungCall(room: string, snapshot: Readonly<Ref<RoomSnapshot | null>>, empty: () => void) {
  const { language } = useWords()
  const mine = () => {
    const current = session.value?.calls.value.current
    return current?.room === room ? current : null
  }
  /** Stays known after its end, for the words about it. */
  const call = shallowRef<CurrentCall | null>(mine())
  const lastedMs = shallowRef<number | null>(null)
  watch(mine, (now) => {
    if (now) call.value = now
  })
  const ringing = session.value?.ringing

  const over = computed(() => call.value?.over ?? null)
  let waiting: ReturnType<typeof setTimeout> | undefined
  watch([over, () => snapshot.value?.joined, () => snapshot.value?.peers.length], ([ended, joined, peers]) => {
    clearTimeout(waiting)
    if (!ended || !joined || peers !== 0) return
    // What cost us our session may have cost them theirs, and they are on their way back, too.
    if (ended === 'lost') waiting = setTimeout(empty, BACK_MS)
    else empty()
  })
  onScopeDispose(() => clearTimeout(waiting))

  return {
    /** Null if the room was entered otherwise. */
    with: computed(() => call.value?.with ?? null),
    media: computed(() => call.value?.media ?? null),
    over,
    /** In words, once it is over. */
    lasted: computed(() => (lastedMs.value === null ? null : durationWords(lastedMs.value, language.value))),
    hangUp(): void {
      // Another call may be the current one already.
      const current = mine()
      if (!current || !ringing) return
      lastedMs.value = Date.now() - current.since
      ringing.hangUp()
    },
    callAgain(): void {
      const { value } = call
      if (value) void placeCall(value.with, value.media)
    },
  }
}
