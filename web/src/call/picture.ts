/** A picture travels in what a peer says of itself, which may have 4 KiB in all, and in an identity that moves. In characters of a data URL. */
export const PICTURE_CHARS = 2_600

// Nothing that could hold a script or ask for anything elsewhere, as SVG could.
const FORM = /^data:image\/(?:webp|jpeg|png);base64,[A-Za-z0-9+/]+={0,2}$/

/** The picture if it is one that may be shown, else null: it is a stranger's word. */
export function checkedPicture(value: unknown): string | null {
  return typeof value === 'string' && value.length <= PICTURE_CHARS && FORM.test(value) ? value : null
}
