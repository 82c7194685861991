import { regional, type Language } from '@/i18n'

// How lengths, sizes and times are written.

/** 75_000 ms as 1:15, or 1:02:03 where there are hours. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const two = (n: number) => String(n).padStart(2, '0')
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

const UNITS = ['kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** Bytes in the largest unit that leaves at least 1, in thousands as file managers count. */
export function bytesWords(bytes: number, language: Language): string {
  let value = Math.max(0, bytes) / 1000
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return new Intl.NumberFormat(regional(language), { style: 'unit', unit: UNITS[unit]!, maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 }).format(value)
}

/** Unix ms as a day and a time. */
export function whenWords(at: number, language: Language): string {
  return new Intl.DateTimeFormat(regional(language), { dateStyle: 'medium', timeStyle: 'short' }).format(at)
}
