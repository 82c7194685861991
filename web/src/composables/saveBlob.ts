/** By then the browser has begun to copy. */
const HELD_MS = 60_000

/** Saves a blob under a name, where the reader's browser saves things; call it from a click. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), HELD_MS)
}
