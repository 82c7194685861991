/**
 * What trying one way to one relay came to. `reached`: data went there and back. `silent`: it gave an address, but passes nothing on. `refused`: it
 * answered, and gave none. `unanswered`: nothing came.
 */
export type ProbeOutcome = { state: 'reached'; ms: number } | { state: 'silent' | 'refused' | 'unanswered' }

export type Connect = (configuration: RTCConfiguration) => RTCPeerConnection

/** ICE's own word for "no answer" (W3C WebRTC §4.8.1.4); any other code is an answer of the relay. */
const UNREACHABLE = 701
const ROUNDS = 4

/**
 * Tries one ICE server URL: two connections of this page, each allowed the relay alone, talk to each other through it. `ms` is the round trip between this
 * browser and the relay: half of the echo's best time, which goes there and back twice. Takes `timeoutMs` at most.
 */
export async function probeRelay(server: RTCIceServer, timeoutMs: number, connect: Connect = (c) => new RTCPeerConnection(c)): Promise<ProbeOutcome> {
  const configuration: RTCConfiguration = { iceServers: [server], iceTransportPolicy: 'relay' }
  const [here, there] = [connect(configuration), connect(configuration)]
  let allocated = false
  let refused = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const given = (): ProbeOutcome => ({ state: allocated ? 'silent' : refused ? 'refused' : 'unanswered' })
  try {
    return await Promise.race([
      new Promise<ProbeOutcome>((resolve) => (timer = setTimeout(() => resolve(given()), timeoutMs))),
      new Promise<ProbeOutcome>((resolve) => {
        here.onicecandidateerror = ({ errorCode }) => {
          if (errorCode !== UNREACHABLE) refused = true
        }
        // Nothing more comes: no need to wait for the time to be over.
        here.onicegatheringstatechange = () => {
          if (here.iceGatheringState === 'complete' && !allocated) resolve(given())
        }
        trickle(here, there, () => (allocated = true))
        trickle(there, here)
      }),
      echo(here, there),
    ])
  } catch {
    return given()
  } finally {
    clearTimeout(timer)
    here.close()
    there.close()
  }
}

function trickle(from: RTCPeerConnection, to: RTCPeerConnection, got?: () => void): void {
  from.onicecandidate = ({ candidate }) => {
    if (!candidate?.candidate) return
    got?.()
    // The other is closed when this one was late.
    to.addIceCandidate(candidate).catch(() => undefined)
  }
}

async function echo(here: RTCPeerConnection, there: RTCPeerConnection): Promise<ProbeOutcome> {
  const options: RTCDataChannelInit = { negotiated: true, id: 0 }
  const [channel, mirror] = [here.createDataChannel('check', options), there.createDataChannel('check', options)]
  mirror.onmessage = ({ data }) => mirror.send(data as string)
  const opened = new Promise((resolve) => (channel.onopen = resolve))
  await here.setLocalDescription()
  await there.setRemoteDescription(here.localDescription!)
  await there.setLocalDescription()
  await here.setRemoteDescription(there.localDescription!)
  await opened
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    const back = new Promise((resolve) => (channel.onmessage = resolve))
    channel.send('there and back')
    await back
    best = Math.min(best, performance.now() - began)
  }
  return { state: 'reached', ms: best / 2 }
}

/** Whether this browser has any address for UDP: policies and some VPNs leave none. Takes `timeoutMs` at most. */
export async function hasUdp(timeoutMs: number, connect: Connect = (c) => new RTCPeerConnection(c)): Promise<boolean> {
  const pc = connect({})
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    return await new Promise<boolean>((resolve, reject) => {
      timer = setTimeout(() => resolve(false), timeoutMs)
      pc.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate && / udp /i.test(candidate.candidate)) resolve(true)
        else if (candidate === null) resolve(false)
      }
      pc.createDataChannel('check')
      pc.setLocalDescription().catch(reject)
    })
  } catch {
    return false
  } finally {
    clearTimeout(timer)
    pc.close()
  }
}
