import type { MediaSnapshot, Problem } from '@/media/devices'
import type { MessageKey } from '@/i18n/en'
import type { BrowserFamily } from './browserFamily'

/** What keeps the reader from being seen or heard, and what to do about it. */
export interface Trouble {
  problem: Problem
  title: MessageKey
  how: MessageKey
  /** The devices to start again when the reader says so; none where trying again cannot help. */
  retry: ('microphone' | 'camera')[]
}

type Titles = { microphone: MessageKey; camera: MessageKey; both: MessageKey }

const DENIED: Titles = { microphone: 'denied.microphone', camera: 'denied.camera', both: 'denied.both' }

const TITLES: Record<Exclude<Problem, 'insecure' | 'unsupported'>, Titles> = {
  denied: DENIED,
  denied_by_system: { microphone: 'system.microphone', camera: 'system.camera', both: 'system.both' },
  dismissed: { microphone: 'dismissed.microphone', camera: 'dismissed.camera', both: 'dismissed.both' },
  missing: { microphone: 'absent.microphone', camera: 'absent.camera', both: 'absent.both' },
  busy: { microphone: 'busy.microphone', camera: 'busy.camera', both: 'busy.both' },
  lost: { microphone: 'lost.microphone', camera: 'lost.camera', both: 'lost.both' },
  failed: { microphone: 'broken.microphone', camera: 'broken.camera', both: 'broken.both' },
}

const HOW: Record<Exclude<Problem, 'denied' | 'insecure' | 'unsupported'>, MessageKey> = {
  denied_by_system: 'system.how',
  dismissed: 'dismissed.how',
  missing: 'absent.how',
  busy: 'busy.how',
  lost: 'lost.how',
  failed: 'broken.how',
}

const HOW_TO_ALLOW: Record<BrowserFamily, MessageKey> = {
  chromium: 'denied.how.chromium',
  chromiumAndroid: 'denied.how.chromiumAndroid',
  firefox: 'denied.how.firefox',
  safari: 'denied.how.safari',
  ios: 'denied.how.ios',
  other: 'denied.how.other',
}

/** The troubles to tell of: one for both devices where the cause is the same, else one for each. */
export function deviceTroubles(media: Pick<MediaSnapshot, 'microphone' | 'camera'>, browser: BrowserFamily): Trouble[] {
  const microphone = media.microphone.problem
  const camera = media.camera.problem
  if (microphone !== null && microphone === camera) return [trouble(microphone, 'both', browser)]
  const troubles: Trouble[] = []
  if (camera !== null) troubles.push(trouble(camera, 'camera', browser))
  if (microphone !== null) troubles.push(trouble(microphone, 'microphone', browser))
  return troubles
}

/** What is the matter with one device, in a few words. */
export function troubleTitle(problem: Problem, which: 'microphone' | 'camera'): MessageKey {
  return trouble(problem, which, 'other').title
}

function trouble(problem: Problem, which: keyof Titles, browser: BrowserFamily): Trouble {
  if (problem === 'insecure') return { problem, title: 'insecure.title', how: 'insecure.how', retry: [] }
  if (problem === 'unsupported') return { problem, title: 'unsupported.title', how: 'unsupported.how', retry: [] }
  return {
    problem,
    title: TITLES[problem][which],
    how: problem === 'denied' ? HOW_TO_ALLOW[browser] : HOW[problem],
    retry: which === 'both' ? ['camera', 'microphone'] : [which],
  }
}
