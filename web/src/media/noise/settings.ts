/** What is done to the microphone's sound before it is sent. */
export interface SoundSettings {
  /** Takes out what the speakers play. */
  echoCancellation: boolean
  /** Evens out how loud one is. */
  autoGainControl: boolean
  /** `browser`: the browser's own. `rnnoise`: a neural network, which also takes out keys and clatter, and costs some computing. */
  noise: NoiseReduction
}

export const NOISE_REDUCTIONS = ['off', 'browser', 'rnnoise'] as const
export type NoiseReduction = (typeof NOISE_REDUCTIONS)[number]

export const USUAL_SOUND: SoundSettings = { echoCancellation: true, autoGainControl: true, noise: 'browser' }

/** What to ask of the browser; two reductions one after another would make voices hollow, so it is one of them. */
export function soundConstraints({ echoCancellation, autoGainControl, noise }: SoundSettings): MediaTrackConstraints {
  return { echoCancellation, autoGainControl, noiseSuppression: noise === 'browser' }
}

/** Reads settings that were kept, perhaps by an earlier version: what is not understood is as usual. */
export function readSound(kept: unknown): SoundSettings {
  const { echoCancellation, autoGainControl, noise } = (typeof kept === 'object' && kept !== null ? kept : {}) as Record<string, unknown>
  return {
    echoCancellation: typeof echoCancellation === 'boolean' ? echoCancellation : USUAL_SOUND.echoCancellation,
    autoGainControl: typeof autoGainControl === 'boolean' ? autoGainControl : USUAL_SOUND.autoGainControl,
    noise: NOISE_REDUCTIONS.find((name) => name === noise) ?? USUAL_SOUND.noise,
  }
}
