import { ref, watch } from 'vue'

const KEPT = 'callmesh.name'

/** What a guest may be called at most, in characters; the edge has its own, larger limit. */
export const NAME_LENGTH = 40

const name = ref<string | null>(null)

/** What is kept now, maybe by another tab. */
export function keptName(): string {
  return localStorage.getItem(KEPT) ?? ''
}

/** The reader's name, kept on this device. */
export function useName() {
  if (name.value === null) {
    name.value = keptName()
    watch(name, (now) => localStorage.setItem(KEPT, now ?? ''))
  }
  return name
}
