import { codecAmong, sameCodec } from './codec'
import type { Encoding, LinkPlan } from './plan'
import type { Slot } from '../state'
import { SLOTS } from '../state'

declare global {
  // W3C WebRTC Extensions §4.1; not among TypeScript's own types yet.
  interface RTCRtpEncodingParameters {
    codec?: RTCRtpCodec
  }
}

/** A screen's sound is as small as it is, and left to the browser. */
const PLANNED = ['microphone', 'camera', 'screen'] as const

/** Those whose browser does not let the codec be chosen. */
const deaf = new WeakSet<RTCRtpSender>()

/** Tells the senders of one connection what to keep to. Nothing is negotiated, and what is as it should be is left alone. */
export async function applyPlan(pc: Pick<RTCPeerConnection, 'getTransceivers'>, plan: LinkPlan): Promise<void> {
  const transceivers = pc.getTransceivers()
  await Promise.all(PLANNED.map((slot) => applyEncoding(transceivers[SLOTS.indexOf(slot)]?.sender, plan[slot], slot)))
}

async function applyEncoding(sender: RTCRtpSender | undefined, wanted: Encoding | null, slot: Slot): Promise<void> {
  if (!sender || !wanted) return
  const refusal = await set(sender, wanted, slot)
  // Perhaps for the codec; without one the rest still counts. A browser that can't do that either goes on as it was: there is still the congestion controller.
  if (refusal === null || !wanted.codecs || (await set(sender, { ...wanted, codecs: undefined }, slot)) !== null) return
  // One that was only busy, as with a negotiation, is asked again with the next plan.
  if (refusal !== 'InvalidStateError') deaf.add(sender)
}

/** Null, or the name of what the browser has against it. */
async function set(sender: RTCRtpSender, wanted: Encoding, slot: Slot): Promise<string | null> {
  const parameters = sender.getParameters()
  const [encoding] = parameters.encodings
  // Before the first negotiation there is none.
  if (!encoding) return null
  const { maxBitrate, maxFramerate, scaleResolutionDownBy, priority, degradation, codecs } = wanted
  // Its members may differ by kind; a microphone has no size.
  const change: RTCRtpEncodingParameters = slot === 'microphone'
    ? { maxBitrate, priority, networkPriority: priority }
    : { maxBitrate, maxFramerate, scaleResolutionDownBy, priority }
  const codec = codecs && !deaf.has(sender) ? codecAmong(parameters.codecs, codecs) : undefined
  const same = Object.entries(change).every(([name, value]) => encoding[name as keyof RTCRtpEncodingParameters] === value)
    && (!codec || sameCodec(encoding.codec, codec))
  if (same && (degradation === undefined || parameters.degradationPreference === degradation)) return null
  Object.assign(encoding, change)
  if (codec) encoding.codec = codec
  if (degradation) parameters.degradationPreference = degradation
  try {
    await sender.setParameters(parameters)
  } catch (error) {
    return error instanceof Error ? error.name : 'Error'
  }
  // One that does not know the member takes no notice of it; it need not be told again.
  if (codec && !sender.getParameters().encodings[0]?.codec) deaf.add(sender)
  return null
}
