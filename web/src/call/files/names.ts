/** In characters, as file systems hold 255 bytes. */
const MAX_NAME = 80
const MAX_ENDING = 16
const MAX_TYPE = 100

// Controls, and the invisible characters that turn the direction of writing, by which "gpj.exe" can look like "exe.jpg".
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu
const NO_FILE = /[<>:"/\\|?*]/g
// Names of devices on Windows, whatever comes behind the dot.
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** A stranger's name for a file, as one that can be shown and saved: without folders, tricks or what some system does not take. */
export function safeName(name: string): string {
  const last = name.slice(0, 4 * MAX_NAME).split(/[/\\]/).at(-1) ?? ''
  const clean = last.normalize('NFC').replace(UNSEEN, '').replace(NO_FILE, '_').replace(/\s+/g, ' ').replace(/^[.\s]+|[.\s]+$/g, '')
  if (clean === '') return 'file'
  const name_ = DEVICE.test(clean) ? `_${clean}` : clean
  const characters = [...name_]
  if (characters.length <= MAX_NAME) return name_
  const dot = name_.lastIndexOf('.')
  const ending = dot > 0 && name_.length - dot <= MAX_ENDING ? [...name_.slice(dot)] : []
  return [...characters.slice(0, MAX_NAME - ending.length), ...ending].join('')
}

/** A stranger's word for the media type of a file, to be shown; empty if it says nothing. */
export function safeType(type: string): string {
  const plain = type.split(';', 1)[0]!.trim().toLowerCase()
  return plain.length <= MAX_TYPE && /^[a-z0-9][\w.+-]*\/[a-z0-9][\w.+-]*$/.test(plain) ? plain : ''
}
