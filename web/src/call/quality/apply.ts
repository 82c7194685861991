import type { Encoding, LinkPlan } from './plan'
import type { Slot } from '../state'
import { SLOTS } from '../state'

/** A screen's sound is as small as it is, and left to the browser. */
const PLANNED = ['microphone', 'camera', 'screen'] as const

/** Tells the senders of one connection what to keep to. Nothing is negotiated, and what is as it should be is left alone. */
export async function applyPlan(pc: Pick<RTCPeerConnection, 'getTransceivers'>, plan: LinkPlan): Promise<void> {
  const transceivers = pc.getTransceivers()
  await Promise.all(PLANNED.map((slot) => applyEncoding(transceivers[SLOTS.indexOf(slot)]?.sender, plan[slot], slot)))
}

async function applyEncoding(sender: RTCRtpSender | undefined, wanted: Encoding | null, slot: Slot): Promise<void> {
  if (!sender || !wanted) return
  const parameters = sender.getParameters()
  const [encoding] = parameters.encodings
  // Before the first negotiation there is none.
  if (!encoding) return
  const { maxBitrate, maxFramerate, scaleResolutionDownBy, priority, degradation } = wanted
  // Its members may differ by kind; a microphone has no size.
  const change: RTCRtpEncodingParameters = slot === 'microphone'
    ? { maxBitrate, priority, networkPriority: priority }
    : { maxBitrate, maxFramerate, scaleResolutionDownBy, priority }
  const same = Object.entries(change).every(([name, value]) => encoding[name as keyof RTCRtpEncodingParameters] === value)
  if (same && (degradation === undefined || parameters.degradationPreference === degradation)) return
  Object.assign(encoding, change)
  if (degradation) parameters.degradationPreference = degradation
  // A browser that can't do a part of it goes on as it was; the congestion controller is still there.
  await sender.setParameters(parameters).catch(() => undefined)
}
