import { expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()
const ROUNDS = 5

/** How long it takes from pressing the button that joins to the first picture of somebody who is there, in ms. */
async function joined(visitor: Visitor, room: string): Promise<number> {
  await visitor.open(`/r/${room}`)
  await visitor.find('name').fill(visitor.name)
  await visitor.find('preview').waitFor()
  return visitor.page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let from = 0
        const look = () => {
          const video = document.querySelector<HTMLVideoElement>('[data-testid="remote-video"]')
          if (!video) return
          observer.disconnect()
          video.requestVideoFrameCallback(() => resolve(performance.now() - from))
        }
        const observer = new MutationObserver(look)
        observer.observe(document.body, { childList: true, subtree: true })
        from = performance.now()
        document.querySelector<HTMLElement>('[data-testid="join"]')!.click()
      }),
  )
}

/** The same between two bare connections in the same page, which need no mesh to find each other. */
function bare(visitor: Visitor): Promise<number> {
  return visitor.page.evaluate(async () => {
    const camera = await navigator.mediaDevices.getUserMedia({ video: true, audio: true })
    const video = document.body.appendChild(Object.assign(document.createElement('video'), { muted: true, autoplay: true }))
    const from = performance.now()
    const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()]
    a.onicecandidate = ({ candidate }) => void b.addIceCandidate(candidate ?? undefined)
    b.onicecandidate = ({ candidate }) => void a.addIceCandidate(candidate ?? undefined)
    const first = new Promise<number>((resolve) => {
      b.ontrack = ({ track }) => {
        if (track.kind !== 'video') return
        video.srcObject = new MediaStream([track])
        video.requestVideoFrameCallback(() => resolve(performance.now() - from))
      }
    })
    for (const track of camera.getTracks()) a.addTrack(track, camera)
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    await b.setLocalDescription()
    await a.setRemoteDescription(b.localDescription!)
    const ms = await first
    a.close()
    b.close()
    video.remove()
    camera.getTracks().forEach((track) => track.stop())
    return ms
  })
}

const median = (all: number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? NaN

test('the time from joining to the first picture, beside a bare pair of connections', async () => {
  const room = stage.room()
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  await ada.enter(room)
  const calls: number[] = []
  const pairs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    calls.push(await joined(bo, room))
    await bo.leave()
    pairs.push(await bare(bo))
  }
  const [call, pair] = [median(calls), median(pairs)]
  console.log(`first-frame | joined to first remote picture, two edges | ${call.toFixed(0)} ms | bare pair ${pair.toFixed(0)} ms | ratio ${(call / pair).toFixed(2)}`)
  expect(call).toBeGreaterThan(0)
})
