/** What can be done to the camera's picture; what the reader chose, as it is kept and as it is sent to the worker. */
export const FILTERS = ['none', 'warm', 'cool', 'vivid', 'faded', 'sepia', 'mono'] as const
export const BACKGROUNDS = ['none', 'blur', 'dusk', 'meadow', 'paper', 'night', 'picture'] as const
export const STICKERS = ['none', 'glasses', 'hat', 'cat', 'moustache'] as const

export type FilterName = (typeof FILTERS)[number]
export type BackgroundName = (typeof BACKGROUNDS)[number]
export type StickerName = (typeof STICKERS)[number]

export interface EffectSettings {
  filter: FilterName
  background: BackgroundName
  sticker: StickerName
  /** How much skin is smoothed, 0 (not) to 1. */
  smooth: number
}

export const NO_EFFECTS: EffectSettings = { filter: 'none', background: 'none', sticker: 'none', smooth: 0 }

/** Whether nothing is chosen, so that the camera's own track does. */
export function isPlain({ filter, background, sticker, smooth }: EffectSettings): boolean {
  return filter === 'none' && background === 'none' && sticker === 'none' && smooth === 0
}

export type ModelName = 'segmenter' | 'face'

/** Which models the settings need. */
export function modelsFor({ background, sticker, smooth }: EffectSettings): ModelName[] {
  const needed: ModelName[] = []
  if (background !== 'none') needed.push('segmenter')
  if (sticker !== 'none' || smooth > 0) needed.push('face')
  return needed
}

/** Reads settings that were kept, perhaps by an earlier version: what is not understood is off. */
export function readSettings(kept: unknown): EffectSettings {
  const { filter, background, sticker, smooth } = (typeof kept === 'object' && kept !== null ? kept : {}) as Record<string, unknown>
  return {
    filter: FILTERS.find((name) => name === filter) ?? 'none',
    background: BACKGROUNDS.find((name) => name === background) ?? 'none',
    sticker: STICKERS.find((name) => name === sticker) ?? 'none',
    smooth: typeof smooth === 'number' && smooth >= 0 && smooth <= 1 ? smooth : 0,
  }
}
