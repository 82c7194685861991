import { inject, provide, ref, shallowRef, watch, type InjectionKey, type Ref } from 'vue'

/** `auto`: two fill the page with each other, more get tiles of one size. `grid`: tiles of one size, one's own too. `speaker`: one large. */
export const LAYOUTS = ['auto', 'grid', 'speaker'] as const
export type Layout = (typeof LAYOUTS)[number]

export interface StageLayout {
  layout: Ref<Layout>
  /** The peer that is kept large whoever speaks. */
  pinned: Ref<string | null>
  /** Whom the speaker layout shows large now; written by the stage. */
  speaker: Ref<string | null>
}

const KEPT = 'callmesh.layout'
const KEY: InjectionKey<StageLayout> = Symbol('stage layout')

function kept(): Layout {
  const layout = localStorage.getItem(KEPT)
  return LAYOUTS.find((known) => known === layout) ?? 'auto'
}

/** The arrangement of the tiles below, as the reader chose it the last time. */
export function provideStageLayout(): StageLayout {
  const stage: StageLayout = { layout: ref(kept()), pinned: ref(null), speaker: shallowRef(null) }
  watch(stage.layout, (layout) => localStorage.setItem(KEPT, layout))
  provide(KEY, stage)
  return stage
}

export function useStageLayout(): StageLayout {
  return inject(KEY, () => ({ layout: ref<Layout>('auto'), pinned: ref(null), speaker: shallowRef(null) }), true)
}

export type Arrangement = 'strip' | 'spot' | 'pair' | 'grid'

/**
 * How people and screens stand. Who is pinned is large even beside a shared screen; a screen is large before any speaker. `others` counts without oneself.
 */
export function arrange(state: { layout: Layout; others: number; screens: number; pinned: boolean }): Arrangement {
  const { layout, others, screens, pinned } = state
  if (pinned) return 'spot'
  if (screens > 0) return 'strip'
  if (layout === 'speaker' && others > 1) return 'spot'
  if (layout !== 'grid' && others === 1) return 'pair'
  return 'grid'
}
