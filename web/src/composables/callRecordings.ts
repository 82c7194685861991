import { readonly, shallowReactive } from 'vue'
import type { LibraryItem } from '@/media/library/item'

const state = shallowReactive({ unsaved: 0, saved: [] as readonly LibraryItem[], empty: false })

/** What this page's last call leaves in the library; `unsaved` are recordings that are still being made or saved. */
export const callRecordings = readonly(state)

let call = 0

/** Begins anew, for a call; what an earlier one still saves is no longer told of. */
export function noteRecordings() {
  const mine = ++call
  Object.assign(state, { unsaved: 0, saved: [], empty: false })
  return {
    begun(): void {
      if (mine === call) state.unsaved++
    },
    /** Null if there was nothing in it; undefined if it could not be finished, which the library will do. */
    over(item: LibraryItem | null | undefined): void {
      if (mine !== call) return
      state.unsaved--
      if (item) state.saved = [...state.saved, item]
      else if (item === null) state.empty = true
    },
  }
}
