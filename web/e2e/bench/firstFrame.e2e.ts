import { expect, test } from 'vitest'
import { becomeContacts, becomeSomebody, callContact } from '../harness/person'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()
const ROUNDS = 5

/** How long it takes from pressing the button that accepts a call to the first picture of who calls, in ms. */
function accepted(visitor: Visitor): Promise<number> {
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
        document.querySelector<HTMLElement>('[data-testid="accept-video"]')!.click()
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

/** Ends the call, and back to those who can be called. */
async function hangUp(ada: Visitor, bo: Visitor): Promise<void> {
  await bo.find('leave').click()
  await Promise.all([ada, bo].map((visitor) => visitor.find('again').waitFor()))
  await Promise.all([ada, bo].map((visitor) => visitor.find('people-link').click()))
}

test('the time from accepting a call to the first picture, beside a bare pair of connections', async () => {
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo', {}, await stage.browser({}))])
  await Promise.all([becomeSomebody(ada), becomeSomebody(bo)])
  await becomeContacts(ada, bo)
  const calls: number[] = []
  const pairs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await callContact(ada, bo.name)
    await bo.find('incoming').waitFor()
    calls.push(await accepted(bo))
    await hangUp(ada, bo)
    pairs.push(await bare(bo))
  }
  const [call, pair] = [median(calls), median(pairs)]
  console.log(`first-frame | accepted to first remote picture, two edges | ${call.toFixed(0)} ms | bare pair ${pair.toFixed(0)} ms | ratio ${(call / pair).toFixed(2)}`)
  expect(call).toBeGreaterThan(0)
})
