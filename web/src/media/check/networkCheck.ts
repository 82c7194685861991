import type { NetworkVerdict } from './networkVerdict'
import { networkVerdict } from './networkVerdict'
import type { Connect } from './relayProbe'
import { hasUdp, probeRelay } from './relayProbe'
import { relayTargets } from './relayTargets'

/** A relay farther away than this would make no call anybody wants; UDP that is lost twice is sent three times within it. */
const PROBE_MS = 6_000
const UDP_MS = 2_000

/** Tries every transport to the relays that the mesh offers, all at once, and says what follows for calls. Takes 6 s at most. */
export async function checkNetwork(servers: readonly RTCIceServer[], connect?: Connect): Promise<NetworkVerdict> {
  const [udp, probes] = await Promise.all([
    hasUdp(UDP_MS, connect),
    Promise.all(
      relayTargets(servers).map(async ({ transport, host, server }) => ({ transport, host, outcome: await probeRelay(server, PROBE_MS, connect) })),
    ),
  ])
  return networkVerdict({ udp, probes })
}
