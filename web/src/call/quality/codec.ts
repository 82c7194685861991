/** As in their MIME types (RFC 4855), without the kind. */
export type VideoCodec = 'AV1' | 'VP9' | 'H264' | 'VP8'

/** What a picture takes to encode and decode in software, in terms of VP8; measured as ARCHITECTURE.md says. */
const COST: Record<VideoCodec, number> = { AV1: 1.7, VP9: 1.4, VP8: 1, H264: 0.7 }

/** The best first, each with the share of what the encoders can do that it may take at most: what is seldom done by hardware must be cheap. */
const BETTER: readonly (readonly [VideoCodec, number])[] = [['AV1', 1 / 4], ['VP9', 1 / 2]]
/** Much the same to look at, and the first takes a third less at both ends. */
const CHEAP: readonly VideoCodec[] = ['H264', 'VP8']

export interface CodecDemand {
  peers: number
  /** What our encoders can do together, in pixels of VP8 per second. */
  pixelsPerSecond: number
  /** What browsers offer and can't do, see {@link Encoders}. */
  unfit?: ReadonlySet<VideoCodec> | undefined
}

/**
 * The codecs for a picture of so many pixels per second, the best for it first. Among several everybody decodes everybody's, on machines of which we
 * know nothing, and encodes for each: then the cheap ones only.
 */
export function codecsFor({ peers, pixelsPerSecond, unfit }: CodecDemand, pixels: number): VideoCodec[] {
  const better = peers > 1 ? [] : BETTER.filter(([codec, share]) => pixels * COST[codec] <= pixelsPerSecond * share).map(([codec]) => codec)
  return [...better, ...CHEAP].filter((codec) => !unfit?.has(codec))
}

/** Of H.264 the constrained baseline in fragments is what everybody does (RFC 7742 §6.2); of the others, more than 8 bits cost more than they show. */
const USUAL: Record<VideoCodec, RegExp> = {
  AV1: /^((?!profile=[^0]).)*$/,
  VP9: /^((?!profile-id=[^0]).)*$/,
  H264: /packetization-mode=1.*profile-level-id=42e0/i,
  VP8: /^/,
}

/** The first of the wanted that both ends of a sender can do; undefined leaves it to the browser. */
export function codecAmong(negotiated: readonly RTCRtpCodec[], wanted: readonly VideoCodec[]): RTCRtpCodec | undefined {
  for (const name of wanted) {
    const found = negotiated.filter(({ mimeType }) => mimeType.toUpperCase() === `VIDEO/${name}`)
    const codec = found.find(({ sdpFmtpLine = '' }) => USUAL[name].test(sdpFmtpLine)) ?? found[0]
    if (codec) return codec
  }
  return undefined
}

/** The parts of a codec that tell it from others (W3C WebRTC, codec dictionary match); `payloadType` is not one. */
export function sameCodec(a: RTCRtpCodec | undefined, b: RTCRtpCodec | undefined): boolean {
  return a?.mimeType === b?.mimeType && a?.clockRate === b?.clockRate && a?.sdpFmtpLine === b?.sdpFmtpLine
}

export function nameOf(codec: RTCRtpCodec | undefined): VideoCodec | null {
  const name = codec?.mimeType.split('/')[1]?.toUpperCase()
  return name !== undefined && name in COST ? (name as VideoCodec) : null
}

/** So many readings in a row without a picture are no accident. */
const STILL = 5

/**
 * Learns which codecs this browser offers and yet sends no pictures with, as some hardware refuses some sizes. One that has sent any is not doubted: a network
 * that takes nothing for a while looks the same.
 */
export class Encoders {
  readonly unfit = new Set<VideoCodec>()
  private readonly tried = new WeakMap<object, { codec: VideoCodec | null; went: boolean; still: number }>()

  /** Takes a reading of one sender that has a live track: what it was told to encode with, and whether pictures go. */
  take(sender: object, codec: VideoCodec | null, goes: boolean): void {
    const before = this.tried.get(sender)
    const { went, still } = before?.codec === codec ? before : { went: false, still: 0 }
    const now = { codec, went: went || goes, still: still + 1 }
    this.tried.set(sender, now)
    // VP8 is what all fall back to.
    if (!now.went && now.still >= STILL && codec !== null && codec !== 'VP8') this.unfit.add(codec)
  }
}
