import type { Sample } from './sample'

/** How a link feels to those who talk over it. */
export type Grade = 'good' | 'fair' | 'poor'

// From here on people notice (fair), and from here on it hurts (poor). Round trips after ITU-T G.114, which puts the limit at 400 ms one way and
// finds no trouble below 150 ms; loss after what concealment of Opus hides (2 %) and what no retransmission makes up for (8 %).
const RTT_MS = { fair: 250, poor: 500 }
const LOSS = { fair: 0.02, poor: 0.08 }
const JITTER_MS = { fair: 60, poor: 150 }
const FROZEN = { fair: 0.05, poor: 0.25 }

/** The worse of all that was measured; the worst kind of trouble decides, as good sound is no use with a round trip of a second. */
export function gradeOf({ rttMs, lossIn, lossOut, jitterMs, frozen }: Sample): Grade {
  const all = [
    { value: rttMs ?? 0, from: RTT_MS },
    { value: Math.max(lossIn ?? 0, lossOut ?? 0), from: LOSS },
    { value: jitterMs ?? 0, from: JITTER_MS },
    { value: frozen, from: FROZEN },
  ]
  if (all.some(({ value, from }) => value >= from.poor)) return 'poor'
  return all.some(({ value, from }) => value >= from.fair) ? 'fair' : 'good'
}

/** For drawing: 1 is good, 0.5 fair, 0 poor. */
export const GRADE_VALUE: Record<Grade, number> = { good: 1, fair: 0.5, poor: 0 }

/** The worst of several; null of none. */
export function worstOf(grades: readonly Grade[]): Grade | null {
  for (const grade of ['poor', 'fair', 'good'] as const) if (grades.includes(grade)) return grade
  return null
}
