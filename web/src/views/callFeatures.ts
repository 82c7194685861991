import type { CallFeatureMaker } from '@/composables/callFeature'
import { contactFeature } from '@/composables/contactFeature'
import { fileFeature } from '@/composables/fileFeature'
import { handFeature } from '@/composables/handFeature'
import { layoutFeature } from '@/composables/layoutFeature'
import { mannersFeature } from '@/composables/mannersFeature'
import { newsFeature } from '@/composables/newsFeature'
import { reactionFeature } from '@/composables/reactionFeature'
import { recordingFeature } from '@/composables/recordingFeature'
import { safetyFeature } from '@/composables/safetyFeature'
import { effectsFeature } from '@/composables/useEffects'
import { useQuality } from '@/composables/useQuality'
import { useRoomRights } from '@/composables/useRoomRights'

/** What a call can do beside the basics, in the order in which it stands in bar and menu. */
export const callFeatures: CallFeatureMaker[] = [
  handFeature,
  reactionFeature,
  effectsFeature,
  recordingFeature,
  layoutFeature,
  mannersFeature,
  useQuality,
  useRoomRights,
  newsFeature,
  fileFeature,
  safetyFeature,
  contactFeature,
]
