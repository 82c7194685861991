// 页面的全部中文文字；键与英文一一对应。
import type { MessageKey } from '../en'
import { base } from './base'
import { check } from './check'
import { effects } from './effects'
import { people } from './people'
import { quality } from './quality'
import { recording } from './recording'
import { rooms } from './rooms'
import { talk } from './talk'

export const zh: Record<MessageKey, string> = {
  ...base,
  ...people,
  ...talk,
  ...check,
  ...quality,
  ...rooms,
  ...effects,
  ...recording,
}
