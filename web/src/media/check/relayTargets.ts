/** What carries a browser's words to a relay (RFC 8656 §3.1): plain UDP, plain TCP, or TLS over TCP, which most firewalls take for https. */
export type Transport = 'udp' | 'tcp' | 'tls'

export const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls']

/** One way to one relay. */
export interface RelayTarget {
  transport: Transport
  /** Host without port, as the URL has it: ways to the same relay have the same. */
  host: string
  server: RTCIceServer
}

/** So many relays are tried for each transport; more would tell nothing new and take connections. */
const RELAYS_EACH = 2

/** Reads a TURN URI (RFC 7065); null for what is none, STUN included. */
export function readTurnUrl(url: string): { transport: Transport; host: string } | null {
  const match = /^(turns?):(\[[0-9a-f:.]+\]|[^:?/\s]+)(?::\d{1,5})?(?:\?transport=(udp|tcp))?$/i.exec(url)
  if (!match) return null
  const host = match[2]!.toLowerCase()
  if (match[1]!.toLowerCase() === 'turns') return { transport: 'tls', host }
  return { transport: match[3]?.toLowerCase() === 'tcp' ? 'tcp' : 'udp', host }
}

/** What there is to try: each URL alone, so that what answers is known, in the order of the mesh, which names the best relay first. */
export function relayTargets(servers: readonly RTCIceServer[]): RelayTarget[] {
  const targets: RelayTarget[] = []
  for (const { urls, username, credential } of servers) {
    for (const url of [urls].flat()) {
      const read = readTurnUrl(url)
      if (!read || targets.filter(({ transport }) => transport === read.transport).length >= RELAYS_EACH) continue
      targets.push({ ...read, server: { urls: url, username, credential } })
    }
  }
  return targets
}
