import type { CallFeatureMaker } from '@/composables/callFeature'
import { useQuality } from '@/composables/useQuality'

/** What a call can do beside the basics, in the order in which it stands in bar and menu. */
export const callFeatures: CallFeatureMaker[] = [useQuality]
