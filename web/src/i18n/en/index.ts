// Every word of the page in English, by what it is about. The keys are flat, so that a search for one finds all its uses.
import { base } from './base'
import { check } from './check'
import { effects } from './effects'
import { people } from './people'
import { quality } from './quality'
import { recording } from './recording'
import { rooms } from './rooms'
import { talk } from './talk'

export const en = {
  ...base,
  ...people,
  ...talk,
  ...check,
  ...quality,
  ...rooms,
  ...effects,
  ...recording,
} as const

export type MessageKey = keyof typeof en
