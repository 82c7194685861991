import type { Cause, Trouble } from '@/call/quality/cause'
import type { Picture } from '@/call/quality/counters'
import type { Grade } from '@/call/quality/grade'
import type { Sample } from '@/call/quality/sample'
import type { Budget } from '@/call/quality/watch'
import type { MessageKey } from '@/i18n/en'
import type { Sentence } from './pathWords'

export const GRADE_WORD: Record<Grade, MessageKey> = { good: 'quality.good', fair: 'quality.fair', poor: 'quality.poor' }
export const ALL_WORD: Record<Grade, MessageKey> = { good: 'quality.all.good', fair: 'quality.all.fair', poor: 'quality.all.poor' }

const TROUBLE: Record<Cause, [title: MessageKey, how: MessageKey]> = {
  cpu: ['trouble.cpu', 'trouble.cpu.how'],
  ownNetwork: ['trouble.own', 'trouble.own.how'],
  theirNetwork: ['trouble.their', 'trouble.their.how'],
  relay: ['trouble.relay', 'trouble.relay.how'],
  distance: ['trouble.distance', 'trouble.distance.how'],
  between: ['trouble.between', 'trouble.between.how'],
}

/** What is wrong, and what to do about it. */
export function troubleWords({ cause, rttMs }: Trouble, name: string): { title: Sentence; how: Sentence } {
  const [title, how] = TROUBLE[cause]
  const named = { name, ms: Math.round(rttMs) }
  return { title: { key: title, named }, how: { key: how, named } }
}

/** What arrives of somebody, beside the path and its round trip: how much of it is lost, and how large their pictures are. What is not known is left out. */
export function figureWords({ lossIn, received }: Pick<Sample, 'lossIn' | 'received'>): Sentence[] {
  const size = (key: MessageKey, picture: Picture | undefined): Sentence[] =>
    picture ? [{ key, named: { width: picture.width, height: picture.height } }] : []
  return [
    ...(lossIn === null ? [] : [{ key: 'quality.figure.loss' as const, named: { percent: percent(lossIn) } }]),
    ...size('quality.figure.picture', received.camera),
    ...size('quality.figure.screen', received.screen),
  ]
}

/** Bits per second, for people. */
export function rate(bps: number): string {
  return bps >= 1_000_000 ? `${(bps / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bps / 1000)} kbit/s`
}

export function milliseconds(ms: number | null): string {
  return ms === null ? '–' : `${Math.max(1, Math.round(ms))} ms`
}

/** A share from 0 to 1. */
export function percent(share: number | null): string {
  if (share === null) return '–'
  return `${share > 0 && share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`
}

/** A length of time in ms as 7:05 or 1:02:30. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const two = (n: number) => String(n).padStart(2, '0')
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** How much of the upload is in use, 0 to 1; null while nobody knows how much there is. */
export function budgetShare({ usedBps, availableBps }: Budget): number | null {
  return availableBps === null || availableBps <= 0 ? null : Math.min(1, usedBps / availableBps)
}
