import type { Page } from 'playwright-core'
// For the type of window.callmesh.
import type {} from '../../src/composables/debugHandle'

/** What one connection says of itself, read by other means than the page's own. */
export interface LinkStats {
  peer: string
  signaling: RTCSignalingState
  connection: RTCPeerConnectionState
  /** `a=ice-ufrag` of both descriptions: another one after each ICE restart. */
  ufrag: { local: string; remote: string }
  /** Of our end's certificate: another one for each connection. */
  fingerprint: string
  cameraFrames: number
  /** Of the frames decoded. */
  cameraWidth: number
  /** Of the times between one frame and the next, each squared: the sum, in s². */
  cameraSquaredDelays: number
  screenFrames: number
  audioEnergy: number
  /** How much sound was played, in seconds. */
  audioSeconds: number
  audioLevel: number
  audioPackets: number
  /** Played, and of those made up because nothing had come in time. */
  audioSamples: { played: number; concealed: number }
  /** Of all that came, sound and pictures. */
  packets: { received: number; lost: number }
  /** Of the sound that comes with a screen. */
  screenEnergy: number
  pair: { local: string; remote: string; protocol: string; rttMs: number | null; relayURL: string; ends: string } | null
}

/** Reads the connection to the peer of this name. */
export function linkStats(page: Page, name: string): Promise<LinkStats> {
  return page.evaluate(async (name) => {
    const handle = window.callmesh
    const peer = handle?.room.snapshot().peers.find(({ user }) => user.name === name)?.peer
    const pc = peer === undefined ? undefined : handle?.peerConnections().get(peer)
    if (peer === undefined || !pc) throw new Error(`no connection to ${name}`)

    type Stat = Record<string, string | number | boolean | undefined>
    const list = (report: RTCStatsReport): Stat[] => [...report.values()] as Stat[]
    // The slots stand in a fixed order: microphone, camera, screen, its sound.
    const inbound = await Promise.all(
      [0, 1, 2, 3].map(async (slot) => {
        const receiver = pc.getTransceivers()[slot]?.receiver
        return receiver ? list(await receiver.getStats()).find(({ type }) => type === 'inbound-rtp') : undefined
      }),
    )
    const all = await pc.getStats()
    const transport = list(all).find(({ type, selectedCandidatePairId }) => type === 'transport' && selectedCandidatePairId)
    const pair = transport && (all.get(String(transport.selectedCandidatePairId)) as Stat | undefined)
    const local = pair && (all.get(String(pair.localCandidateId)) as Stat | undefined)
    const remote = pair && (all.get(String(pair.remoteCandidateId)) as Stat | undefined)
    const said = (description: RTCSessionDescription | null, key: string) => new RegExp(`^a=${key}:(.*)$`, 'm').exec(description?.sdp ?? '')?.[1]?.trim() ?? ''
    const ufrag = (description: RTCSessionDescription | null) => said(description, 'ice-ufrag')
    const sum = (key: string) => inbound.reduce((sum, stat) => sum + Number(stat?.[key] ?? 0), 0)
    return {
      peer,
      signaling: pc.signalingState,
      connection: pc.connectionState,
      ufrag: { local: ufrag(pc.localDescription), remote: ufrag(pc.remoteDescription) },
      fingerprint: said(pc.localDescription, 'fingerprint'),
      cameraFrames: Number(inbound[1]?.framesDecoded ?? 0),
      cameraWidth: Number(inbound[1]?.frameWidth ?? 0),
      cameraSquaredDelays: Number(inbound[1]?.totalSquaredInterFrameDelay ?? NaN),
      screenFrames: Number(inbound[2]?.framesDecoded ?? 0),
      audioEnergy: Number(inbound[0]?.totalAudioEnergy ?? 0),
      audioSeconds: Number(inbound[0]?.totalSamplesDuration ?? 0),
      audioLevel: Number(inbound[0]?.audioLevel ?? 0),
      audioPackets: Number(inbound[0]?.packetsReceived ?? 0),
      audioSamples: { played: Number(inbound[0]?.totalSamplesReceived ?? 0), concealed: Number(inbound[0]?.concealedSamples ?? 0) },
      packets: { received: sum('packetsReceived'), lost: sum('packetsLost') },
      screenEnergy: Number(inbound[3]?.totalAudioEnergy ?? 0),
      pair:
        local && remote
          ? {
              local: String(local.candidateType),
              remote: String(remote.candidateType),
              protocol: String(local.relayProtocol ?? local.protocol),
              rttMs: typeof pair.currentRoundTripTime === 'number' ? pair.currentRoundTripTime * 1000 : null,
              relayURL: String(local.url ?? ''),
              ends: `${String(local.address)}:${String(local.port)} to ${String(remote.address)}:${String(remote.port)}`,
            }
          : null,
    }
  }, name)
}

/** What comes from one peer, since the connection began. */
export interface Inflow {
  name: string
  /** Of the camera, decoded. */
  frames: number
  /** Height of the last of them. */
  lines: number
  /** Of the microphone's sound, as `totalAudioEnergy`. */
  energy: number
}

/** Reads what comes from everybody at once. */
export function inflows(page: Page): Promise<Inflow[]> {
  return page.evaluate(async () => {
    const { room, peerConnections } = window.callmesh!
    const names = new Map(room.snapshot().peers.map(({ peer, user }) => [peer, user.name]))
    const inbound = async (receiver: RTCRtpReceiver | undefined) =>
      [...((await receiver?.getStats())?.values() ?? [])].find(({ type }) => type === 'inbound-rtp') as Record<string, number | undefined> | undefined
    return Promise.all(
      [...peerConnections()].map(async ([peer, pc]) => {
        const [microphone, camera] = await Promise.all([0, 1].map((slot) => inbound(pc.getTransceivers()[slot]?.receiver)))
        return { name: names.get(peer) ?? peer, frames: camera?.framesDecoded ?? 0, lines: camera?.frameHeight ?? 0, energy: microphone?.totalAudioEnergy ?? 0 }
      }),
    )
  })
}

/** All connections of a page and what flows over them, in lines for the log of a test that failed: at which end pictures stopped shows only from both. */
export function flowReport(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const handle = window.callmesh
    if (!handle) return []
    const names = new Map(handle.room.snapshot().peers.map(({ peer, user }) => [peer, user.name]))
    const told: Record<string, readonly string[]> = {
      'transport': ['dtlsState', 'iceState', 'selectedCandidatePairChanges'],
      'candidate-pair': ['state', 'currentRoundTripTime', 'availableOutgoingBitrate', 'bytesSent', 'bytesReceived', 'packetsDiscardedOnSend', 'responsesReceived', 'requestsSent'],
      'outbound-rtp': ['active', 'mid', 'framesEncoded', 'keyFramesEncoded', 'framesSent', 'packetsSent', 'targetBitrate', 'frameHeight', 'qualityLimitationReason', 'pliCount', 'nackCount'],
      'inbound-rtp': ['mid', 'packetsReceived', 'packetsLost', 'framesReceived', 'framesDecoded', 'keyFramesDecoded', 'framesDropped', 'pliCount', 'nackCount'],
      'media-source': ['frames', 'framesPerSecond', 'height'],
    }
    const lines: string[] = []
    for (const [peer, pc] of handle.peerConnections()) {
      lines.push(`${names.get(peer) ?? peer}: ${pc.connectionState}, ICE ${pc.iceConnectionState}, ${pc.signalingState}`)
      for (const entry of (await pc.getStats()).values() as Iterable<Record<string, unknown>>) {
        const keys = told[String(entry.type)]
        if (!keys || entry.kind === 'audio' || (entry.type === 'candidate-pair' && !entry.nominated)) continue
        lines.push(`  ${String(entry.type)} ${keys.filter((key) => entry[key] !== undefined).map((key) => `${key}=${String(entry[key])}`).join(' ')}`)
      }
    }
    return lines
  })
}
