/** A time in the two largest units that it has, such as "1 min 5 sec"; `ms` is rounded to seconds. */
export function durationWords(ms: number, language: string): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  const parts: [number, 'hour' | 'minute' | 'second'][] = [
    [Math.floor(seconds / 3_600), 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [seconds % 60, 'second'],
  ]
  const from = parts.findIndex(([count], at) => count > 0 || at === 2)
  return parts
    .slice(from, from + 2)
    .filter(([count], at) => count > 0 || at === 0)
    .map(([count, unit]) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(count))
    .join(' ')
}
