/** Lets the page open without a network from now on. Refused where a certificate is not trusted, and in some private windows: then it is as before. */
export function keepForOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  // After all else: what the page needs now comes first.
  addEventListener('load', () => void navigator.serviceWorker.register('/sw.js').catch(() => undefined), { once: true })
}
