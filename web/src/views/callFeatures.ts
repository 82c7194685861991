import type { CallFeatureMaker } from '@/composables/callFeature'
import { contactFeature } from '@/composables/contactFeature'
import { layoutFeature } from '@/composables/layoutFeature'
import { mannersFeature } from '@/composables/mannersFeature'
import { newsFeature } from '@/composables/newsFeature'
import { recordingFeature } from '@/composables/recordingFeature'
import { useQuality } from '@/composables/useQuality'

/** What a call can do beside the basics, in the order in which it stands in bar and menu. */
export const callFeatures: CallFeatureMaker[] = [layoutFeature, mannersFeature, useQuality, newsFeature, recordingFeature, contactFeature]
