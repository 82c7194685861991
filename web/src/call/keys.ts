/** A key that nobody has used: 128 random bits in base64url. (crypto.randomUUID is missing on pages without https.) */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
