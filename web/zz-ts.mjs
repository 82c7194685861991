import http from 'node:http'
import { chromium } from 'playwright-core'
const server = http.createServer((q, r) => { r.setHeader('content-type', 'text/html'); r.end('<p>x') }).listen(0)
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=device-count=2', '--allow-loopback-in-peer-connection'] })
const page = await b.newPage()
await page.goto(`http://localhost:${server.address().port}/`)
for (const mode of ['plain', 'own', 'noswap-stop', 'copy'])
console.log(mode, await page.evaluate(async (mode) => {
  const devs = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === 'videoinput')
  const open = async (i) => (await navigator.mediaDevices.getUserMedia({ video: { deviceId: { exact: devs[i].deviceId }, width: 320, height: 240, frameRate: 10 } })).getVideoTracks()[0]
  const gen = new MediaStreamTrackGenerator({ kind: 'video' })
  const writer = gen.writable.getWriter()
  const stamps = []
  let reader = null, last = 0
  const canvas = new OffscreenCanvas(320, 240), ctx = canvas.getContext('2d', { alpha: false })
  const pump = async (track) => {
    const mine = new MediaStreamTrackProcessor({ track }).readable.getReader()
    void reader?.cancel(); reader = mine
    for (;;) { const { value, done } = await mine.read(); if (done) return; if (reader !== mine) { value.close(); return }
      stamps.push([value.timestamp, value.displayWidth, value.displayHeight])
      let out
      if (mode === 'copy' ) { ctx.drawImage(value, 0, 0); out = new VideoFrame(canvas, { timestamp: value.timestamp, alpha: 'discard' }) }
      else out = new VideoFrame(value, { timestamp: mode === 'own' ? performance.now() * 1000 : value.timestamp }); value.close(); await writer.write(out) }
  }
  const one = await open(0); void pump(one)
  const a = new RTCPeerConnection(), z = new RTCPeerConnection()
  a.onicecandidate = (e) => e.candidate && z.addIceCandidate(e.candidate); z.onicecandidate = (e) => e.candidate && a.addIceCandidate(e.candidate)
  a.addTrack(gen, new MediaStream([gen]))
  await a.setLocalDescription(); await z.setRemoteDescription(a.localDescription); await z.setLocalDescription(); await a.setRemoteDescription(z.localDescription)
  const frames = async () => { let n = ''; for (const s of (await a.getStats()).values()) { if (s.type === 'outbound-rtp') n += `enc ${s.framesEncoded} `; if (s.type === 'media-source') n += `src ${s.frames} ` } for (const s of (await z.getStats()).values()) if (s.type === 'inbound-rtp') n += `dec ${s.framesDecoded} pk ${s.packetsReceived}`; return n }
  const wait = (ms) => new Promise((r) => setTimeout(r, ms))
  await wait(4000)
  const log = ['before', await frames(), stamps.length]
  let two
  if (mode !== 'noswap-stop') { two = await open(1); void pump(two); one.stop() }
  for (let i = 0; i < 2; i++) { await wait(2000); log.push('|', await frames(), stamps.length) }
  const at = stamps.findIndex((s, i) => i && Math.abs(s[0] - stamps[i - 1][0]) > 1e6)
  log.push(JSON.stringify(stamps[0]), JSON.stringify(stamps.at(-1)), at, JSON.stringify(stamps.slice(Math.max(0, at - 2), at + 2)))
  two?.stop(); one.stop(); a.close(); z.close()
  return log.join(' ')
}, mode))
await b.close(); server.close()
