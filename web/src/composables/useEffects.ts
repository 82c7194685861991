import { defineAsyncComponent, onScopeDispose, readonly, shallowRef, type ShallowRef } from 'vue'
import type { CameraEffects, EffectsProblem, EffectsView } from '@/media/effects/cameraEffects'
import { readSettings, type EffectSettings } from '@/media/effects/settings'
import { readSound, type SoundSettings } from '@/media/noise/settings'
import type { LocalMedia } from '@/media/devices'
import type { MessageKey } from '@/i18n/en'
import type { CallFeatureMaker } from './callFeature'
import { useWords } from './useWords'

export const EffectsPanel = defineAsyncComponent(() => import('@/components/effects/EffectsPanel.vue'))

const KEPT_EFFECTS = 'callmesh.effects'
const KEPT_SOUND = 'callmesh.sound'

function kept(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null')
  } catch {
    return null
  }
}

/** Takes up what the reader chose the last time. */
export function restoreChoices(media: Pick<LocalMedia, 'effects' | 'setSound'>): void {
  const settings = readSettings(kept(KEPT_EFFECTS))
  // A picture is not kept; who had one still wants the room not to be seen.
  media.effects.set(settings.background === 'picture' ? { ...settings, background: 'blur' } : settings)
  void media.setSound(readSound(kept(KEPT_SOUND)))
}

export function chooseSound(media: Pick<LocalMedia, 'setSound'>, sound: SoundSettings): void {
  localStorage.setItem(KEPT_SOUND, JSON.stringify(sound))
  void media.setSound(sound)
}

/** What is done to the camera's picture, for as long as the scope lives. `unseen`: nobody else sees the camera yet. */
export function useEffects(effects: CameraEffects, unseen = false): { view: Readonly<ShallowRef<EffectsView>>; choose: (part: Partial<EffectSettings>) => void } {
  const view = shallowRef(effects.view())
  onScopeDispose(effects.subscribe((now) => (view.value = now)))
  return {
    view: readonly(view) as Readonly<ShallowRef<EffectsView>>,
    choose(part) {
      const settings = { ...view.value.settings, ...part }
      localStorage.setItem(KEPT_EFFECTS, JSON.stringify(settings))
      effects.set(settings, unseen)
    },
  }
}

export const PROBLEM_WORDS: Record<EffectsProblem, MessageKey> = {
  load: 'effects.notLoaded',
  slow: 'effects.slow',
  models: 'effects.failed',
  frames: 'effects.failed',
  unsupported: 'effects.unsupported',
}

export const effectsFeature: CallFeatureMaker = ({ media, openPanel, panel }) => {
  const { say } = useWords()
  const { view } = useEffects(media.effects)
  const noise = shallowRef(media.noise.state)
  onScopeDispose(media.noise.subscribe((state) => (noise.value = state)))
  return {
    actions: () => [
      {
        id: 'effects',
        icon: 'effects',
        label: say('effects.heading'),
        pressed: panel() === 'effects',
        run: () => openPanel(panel() === 'effects' ? null : 'effects'),
      },
    ],
    notices: () => [
      ...(view.value.problem
        ? [
            {
              id: 'effects-off',
              tone: 'warn' as const,
              title: { key: 'effects.raw' as const, named: {} },
              body: { key: PROBLEM_WORDS[view.value.problem], named: {} },
              button: { label: { key: 'app.tryAgain' as const, named: {} }, run: () => media.effects.retry() },
            },
          ]
        : []),
      ...(noise.value === 'failed'
        ? [{ id: 'noise-failed', tone: 'warn' as const, title: { key: 'sound.failed' as const, named: {} }, body: { key: 'sound.failed.how' as const, named: {} } }]
        : []),
    ],
    panel: () => ({ id: 'effects', heading: say('effects.heading'), component: EffectsPanel, props: { effects: media.effects } }),
  }
}
