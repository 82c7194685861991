import type { CallFeatureMaker } from '@/composables/callFeature'
import { effectsFeature } from '@/composables/useEffects'

/** What a call can do beside the basics, in the order in which it stands in bar and menu. */
export const callFeatures: CallFeatureMaker[] = [effectsFeature]
