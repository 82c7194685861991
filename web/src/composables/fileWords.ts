import type { FileView } from '@/call/files/view'
import type { Stop } from '@/call/files/frames'
import { regional, type Language } from '@/i18n'
import type { MessageKey } from '@/i18n/en'
import type { Sentence } from './pathWords'

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const

/** A number of bytes as people say it, such as 3.2 MB. */
export function sizeWords(bytes: number, language: Language): string {
  let step = 0
  let value = bytes
  // At 999.95 of one unit it would be written as 1,000.
  for (; value >= 999.95 && step < UNITS.length - 1; step++) value /= 1000
  const digits = step > 0 && value < 100 ? 1 : 0
  return new Intl.NumberFormat(regional(language), { style: 'unit', unit: UNITS[step], unitDisplay: step === 0 ? 'long' : 'short', maximumFractionDigits: digits }).format(value)
}

/** Why a file failed and what to do; the reasons that are no failure have words of their own. */
const FAILURES: Record<Stop, MessageKey> = {
  cancelled: 'files.cancelled',
  declined: 'files.cancelled',
  unreadable: 'files.failed.unreadable',
  space: 'files.failed.space',
  storage: 'files.failed.storage',
  damaged: 'files.failed.damaged',
  protocol: 'files.failed.protocol',
}

/** What there is to say of a file now. */
export function fileWords(file: FileView, language: Language): Sentence[] {
  const plain = (key: MessageKey): Sentence => ({ key, named: { name: file.user.name } })
  switch (file.state) {
    case 'asked':
      return [plain(file.mine ? 'files.asked.mine' : 'files.asked.theirs')]
    case 'waiting':
      return [plain(file.there ? 'files.waiting' : 'files.gone')]
    case 'moving':
      return moving(file, language)
    case 'checking':
      return [plain('files.checking')]
    case 'done':
      return [plain(file.mine ? 'files.done.mine' : 'files.done.theirs')]
    case 'declined':
      return [plain(file.mine ? 'files.declined.mine' : 'files.declined.theirs')]
    case 'cancelled':
      return [plain('files.cancelled')]
    case 'failed':
      return [plain(FAILURES[file.stop ?? 'protocol'])]
  }
}

function moving({ stored, size, rate }: FileView, language: Language): Sentence[] {
  const words = { stored: sizeWords(stored, language), size: sizeWords(size, language) }
  if (rate < 1) return [{ key: 'files.moving', named: words }]
  const seconds = Math.max(1, Math.round((size - stored) / rate))
  return [
    { key: 'files.moving.speed', named: { ...words, speed: sizeWords(rate, language) } },
    seconds < 90 ? { key: 'files.left.seconds', named: { n: seconds } } : { key: 'files.left.minutes', named: { n: Math.round(seconds / 60) } },
  ]
}
