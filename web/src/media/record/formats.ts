import { canEncode } from './encodingEngine'

// WebM and nothing else: what was written of it can be played, whenever the writing ended. An MP4 that was cut off is lost.
// VP8 first, as it costs the least of what a call leaves of the processor.
const VIDEO = ['video/webm;codecs=vp8,opus', 'video/webm;codecs=vp9,opus', 'video/webm']
const AUDIO = ['audio/webm;codecs=opus', 'audio/webm']

export const VIDEO_BITS_PER_SECOND = 2_500_000
export const AUDIO_BITS_PER_SECOND = 96_000

/** What this browser's own recorder makes, or null where it records no WebM. */
export function recordingType(kind: 'video' | 'audio'): string | null {
  if (typeof MediaRecorder === 'undefined') return null
  return (kind === 'video' ? VIDEO : AUDIO).find((type) => MediaRecorder.isTypeSupported(type)) ?? null
}

/** Whether this browser can record, and keep what it records. */
export function canRecord(): boolean {
  const storage = (navigator as Partial<Navigator>).storage
  return (canEncode() || recordingType('audio') !== null) && typeof storage?.getDirectory === 'function' && typeof Worker !== 'undefined'
}
