// RFC 7065 §3.1: what stands between the scheme and the end is left out where it is the usual.
const PARTS = /^(turns?):(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(udp|tcp))?$/

/** The URL of a relay with all that it means, as browsers write it in their statistics, whatever was left out in what they were given. */
export function inFull(url: string): string {
  const lower = url.toLowerCase()
  const [, scheme, host, port, transport] = PARTS.exec(lower) ?? []
  if (!scheme || !host) return lower
  const usual = scheme === 'turns' ? { port: '5349', transport: 'tcp' } : { port: '3478', transport: 'udp' }
  return `${scheme}:${host}:${port ?? usual.port}?transport=${transport ?? usual.transport}`
}
