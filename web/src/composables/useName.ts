import { ref, watch } from 'vue'

const KEPT = 'callmesh.name'

/** What a guest may be called at most, in characters; the edge has its own, larger limit. */
export const NAME_LENGTH = 40

const name = ref<string | null>(null)

/** The reader's name, kept on this device. */
export function useName() {
  if (name.value === null) {
    name.value = localStorage.getItem(KEPT) ?? ''
    watch(name, (now) => localStorage.setItem(KEPT, now ?? ''))
  }
  return name
}
