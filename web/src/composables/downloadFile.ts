/** A download begins after the click, and the browser reads the file then. */
const KEEP_MS = 60_000

/** Hands a file to the browser's downloads. */
export function downloadFile(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS)
}
