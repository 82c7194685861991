import { codecsFor, type VideoCodec } from './codec'
import type { Picture } from './counters'

/** One quality of a camera's picture. */
export interface Rung {
  /** Pixels. */
  height: number
  fps: number
  /** What it takes, bits per second. */
  bps: number
}

/**
 * From the best to the least that still moves. Each takes about two thirds of the one above: a congestion controller doesn't find more than half as
 * much again over what is sent, so a longer step could never be climbed.
 */
export const RUNGS: readonly Rung[] = [
  { height: 720, fps: 30, bps: 1_700_000 },
  { height: 720, fps: 24, bps: 1_200_000 },
  { height: 540, fps: 24, bps: 850_000 },
  { height: 360, fps: 24, bps: 550_000 },
  { height: 360, fps: 15, bps: 380_000 },
  { height: 270, fps: 15, bps: 260_000 },
  { height: 180, fps: 15, bps: 170_000 },
  { height: 180, fps: 10, bps: 110_000 },
  { height: 120, fps: 7, bps: 70_000 },
]
const LAST = RUNGS.length - 1
/** From the least up. A smaller picture than the first of them goes no slower: it is seen, and costs little. */
const HEIGHTS: readonly number[] = [180, 270, 360, 540, 720]
/** Of no camera are fewer lines sent, whatever a stranger says that they show: some encoders can't, and then count as unfit for everybody. */
const LEAST_LINES = 60

/** What sound takes, with what protects it, bits per second. It is never given up for pictures. */
export const SOUND_BPS = 48_000
const SCREEN = { most: 2_500_000, least: 200_000, fps: 15, slowFps: 5 }
/** While it is shared, the screen has this much of what sound leaves. */
const SCREEN_SHARE = 0.75

/** What we send, and to how many. */
export interface Demand {
  peers: number
  /** As the devices give them; null is off. */
  camera: Picture | null
  screen: Picture | null
  microphone: boolean
  /** Whether anybody shares a screen, beside which faces are small. */
  sharing: boolean
  /** What our encoders can do together, pixels per second. */
  pixelsPerSecond: number
  /** Codecs that this browser offers and can't do. */
  unfit?: ReadonlySet<VideoCodec>
}

/** What one sender is to keep to. */
export interface Encoding {
  /** Bits per second. */
  maxBitrate: number
  maxFramerate?: number
  /** 1 sends what the device gives. */
  scaleResolutionDownBy?: number
  priority: RTCPriorityType
  degradation?: RTCDegradationPreference
  /** The best first; whichever both ends can do. */
  codecs?: readonly VideoCodec[] | undefined
}

/** What goes over one link. */
export interface LinkPlan {
  microphone: Encoding
  camera: Encoding | null
  screen: Encoding | null
  /** What all of it takes at most, bits per second. */
  bps: number
}

/** How high a face is sent at most, pixels: as it is on an ordinary screen in a grid, so that whoever shows one larger costs the others nothing. */
export function tileHeight(people: number, sharing: boolean): number {
  if (sharing) return 180
  if (people <= 2) return 720
  if (people <= 4) return 540
  return people <= 6 ? 360 : 270
}

/**
 * The best rung (the lowest index) that makes sense at all, however fast the network: a face is not sent larger than it is shown, and not
 * faster than this machine encodes it for everybody. `lines` is what the other says that it shows, 0 for nothing; null if it does not tell.
 */
export function topRung(demand: Demand, lines: number | null = null): number {
  if (lines === 0) return LAST
  const most = tileHeight(demand.peers + 1, demand.sharing)
  const height = lines === null ? most : Math.min(most, HEIGHTS.find((height) => height >= lines) ?? most)
  const screen = demand.screen ? demand.screen.width * demand.screen.height * SCREEN.slowFps : 0
  const pixels = demand.pixelsPerSecond / Math.max(1, demand.peers) - screen
  const index = RUNGS.findIndex((rung) => rung.height <= height && pixelsOf(rung, demand.camera) <= pixels)
  return index < 0 ? LAST : index
}

/** A device that gives less than the rung takes no more work than it gives. */
function pixelsOf({ height, fps }: Rung, camera: Picture | null): number {
  const high = Math.min(height, camera?.height ?? height)
  const wide = camera ? (high * camera.width) / camera.height : (high * 16) / 9
  return wide * high * Math.min(fps, camera?.fps ?? fps)
}

/** What the camera may have of what a link can take; null if that is not known yet. */
export function cameraShare(availableBps: number | null, demand: Demand): number | null {
  if (availableBps === null) return null
  const pictures = availableBps - (demand.microphone ? SOUND_BPS : 0)
  return Math.max(0, demand.screen ? pictures * (1 - SCREEN_SHARE) : pictures)
}

/** The best rung that so much carries, `margin` of what it takes being enough. */
export function rungFor(bps: number | null, top: number, margin = 1): number {
  if (bps === null) return top
  const index = RUNGS.findIndex((rung, i) => i >= top && rung.bps * margin <= bps)
  return index < 0 ? LAST : index
}

/** What to send over a link whose camera stands on a rung; `lines` as for {@link topRung}. */
export function planOf(demand: Demand, rung: number, availableBps: number | null, lines: number | null = null): LinkPlan {
  const microphone: Encoding = { maxBitrate: SOUND_BPS, priority: 'high' }
  const camera = demand.camera && cameraPlan(demand, demand.camera, shown(RUNGS[rung] ?? RUNGS[LAST]!, lines))
  const screen = demand.screen && screenPlan(availableBps)
  const bps = (demand.microphone ? SOUND_BPS : 0) + (camera?.maxBitrate ?? 0) + (screen?.maxBitrate ?? 0)
  return { microphone, camera, screen, bps }
}

/** A rung at no more lines than are shown; what nobody sees goes on as small as there is, so that there is a picture when somebody looks. */
function shown(rung: Rung, lines: number | null): Rung {
  return lines === null || lines === 0 ? rung : { ...rung, height: Math.min(rung.height, Math.max(LEAST_LINES, lines)) }
}

function cameraPlan(demand: Demand, camera: Picture, rung: Rung): Encoding {
  return {
    maxBitrate: rung.bps,
    maxFramerate: rung.fps,
    scaleResolutionDownBy: Math.max(1, Math.round((camera.height / rung.height) * 100) / 100),
    priority: 'low',
    degradation: 'balanced',
    codecs: codecsFor(demand, pixelsOf(rung, camera)),
  }
}

/** Letters must stay sharp, so it is the rate that gives way. */
function screenPlan(availableBps: number | null): Encoding {
  const bps = availableBps === null ? SCREEN.most : (availableBps - SOUND_BPS) * SCREEN_SHARE
  return {
    maxBitrate: Math.round(Math.min(SCREEN.most, Math.max(SCREEN.least, bps))),
    maxFramerate: bps < SCREEN.most / 4 ? SCREEN.slowFps : SCREEN.fps,
    scaleResolutionDownBy: 1,
    priority: 'medium',
    degradation: 'maintain-resolution',
  }
}
