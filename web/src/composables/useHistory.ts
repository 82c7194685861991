import { computed, effectScope, shallowRef, watch } from 'vue'
import { historyVersion, readCalls, type KeptCall } from './callHistory'
import { session } from './useSession'

const SEEN = 'callmesh.missed'

/** Until when (Unix ms) missed calls have been looked at. */
const seenAt = shallowRef(readSeen())
const calls = shallowRef<KeptCall[]>([])
let started = false

/** The reader's calls in this browser, the newest first, and how many missed ones nobody has looked at yet. */
export function useHistory() {
  if (!started) {
    started = true
    // It outlives the component that asks first.
    effectScope(true).run(() => watch([() => session.value?.line.value, historyVersion], () => void read(), { immediate: true }))
  }
  return {
    calls,
    missed: computed(() => calls.value.filter(({ outcome, direction, at }) => outcome === 'missed' && direction === 'in' && at > seenAt.value).length),
    /** They have been looked at. */
    look(): void {
      seenAt.value = Math.max(Date.now(), calls.value[0]?.at ?? 0)
      try {
        localStorage.setItem(SEEN, String(seenAt.value))
      } catch {
        // Full, or not allowed: then they are counted again after a reload.
      }
    },
  }
}

async function read(): Promise<void> {
  const me = session.value?.signal.hello?.user.id
  calls.value = me === undefined ? [] : await readCalls(me)
}

function readSeen(): number {
  try {
    return Number(localStorage.getItem(SEEN)) || 0
  } catch {
    return 0
  }
}
