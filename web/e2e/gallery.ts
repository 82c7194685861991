// A development page: shows CallView with made-up calls. ?state= one of the keys of STATES, ?lang=en|zh.
import { createApp, h, nextTick, shallowRef } from 'vue'
import { NO_STATUS } from '../src/call/info'
import type { RoomCall } from '../src/call/room'
import type { ChatLine, Path, PeerView, RoomSnapshot } from '../src/call/state'
import { createWords } from '../src/i18n'
import type { LocalMedia, MediaSnapshot } from '../src/media/devices'
import '../src/styles/tokens.css'
import '../src/styles/base.css'
import '../src/styles/forms.css'
import '../src/styles/people.css'
import { USUAL_SOUND } from '../src/media/noise/settings'
import CallView from '../src/views/CallView.vue'

const query = new URLSearchParams(location.search)
const zh = query.get('lang') === 'zh'
const direct: Path = { kind: 'host', direct: true, protocol: 'udp', rttMs: 12 }
const relayed: Path = { kind: 'relay', direct: false, protocol: 'udp', rttMs: 38, relayRegion: 'eu' }

/** A drawn person, as a camera would give it. */
function camera(hue: number): MediaStreamTrack {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 })
  const pen = canvas.getContext('2d')!
  const draw = () => {
    pen.fillStyle = `hsl(${hue} 30% 62%)`
    pen.fillRect(0, 0, 640, 480)
    pen.fillStyle = `hsl(${hue + 40} 45% 88%)`
    pen.fillRect(420, 40, 150, 220)
    pen.fillStyle = `hsl(${hue + 180} 35% 30%)`
    pen.beginPath()
    pen.ellipse(320, 500, 190, 170, 0, 0, 7)
    pen.fill()
    pen.fillStyle = '#d9a886'
    pen.beginPath()
    pen.ellipse(320, 230, 92, 116, 0, 0, 7)
    pen.fill()
    pen.fillStyle = `hsl(${hue} 30% 14%)`
    pen.beginPath()
    pen.ellipse(320, 160, 104, 74, 0, 3, 6.4)
    pen.fill()
  }
  draw()
  setInterval(draw, 200)
  return canvas.captureStream(5).getVideoTracks()[0]!
}

/** A drawn document, as a shared screen would give it. */
function screen(): MediaStreamTrack {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 800 })
  const pen = canvas.getContext('2d')!
  const draw = () => {
    pen.fillStyle = '#fdfdfb'
    pen.fillRect(0, 0, 1280, 800)
    pen.fillStyle = '#2b4f77'
    pen.fillRect(0, 0, 1280, 56)
    pen.fillStyle = '#333'
    for (let row = 0; row < 16; row++) pen.fillRect(120, 120 + row * 38, 1040 - ((row * 97) % 420), 10)
  }
  draw()
  setInterval(draw, 200)
  return canvas.captureStream(5).getVideoTracks()[0]!
}

function peer(name: string, more: Partial<PeerView> = {}): PeerView {
  return {
    peer: `p-${name}`,
    user: { id: `u-${name}`, name },
    region: 'eu',
    link: 'connected',
    path: direct,
    sends: { microphone: true, camera: Boolean(more.camera), screen: Boolean(more.screen), screenSound: false },
    status: { hand: false, recording: false },
    microphone: null,
    camera: null,
    screen: null,
    screenSound: null,
    speaking: false,
    level: 0,
    ...more,
  }
}

const others = zh ? ['王小明', '李雷', 'Grace Hopper', '韩梅梅', '陈晨'] : ['Ada Lovelace', 'Bo', 'Grace Hopper', 'Katherine', 'Lin']
const now = Date.now()

function chat(): ChatLine[] {
  const say = (id: number, mine: boolean, text: string, state: ChatLine['state'] = 'sent'): ChatLine => ({
    id: String(id), at: now - 600_000 + id * 50_000, mine, from: mine ? 'me' : 'u', name: others[0]!, text, state,
  })
  const lines = zh
    ? ['早上好！听得到我吗？', '听得很清楚。', '这是昨天说的文档 https://example.org/plan?v=2，先看第二节。', '好，我马上看。', '等会儿也发给小李', '<b>不是标签</b>']
    : ['Good morning! Can you hear me?', 'Loud and clear.', 'This is the plan I meant: https://example.org/plan?v=2 (second part first).', 'Reading it now.', 'I will send it to Lin as well', '<b>not markup</b>']
  return [say(0, false, lines[0]!), say(1, true, lines[1]!), say(2, false, lines[2]!), say(2.5, false, lines[5]!), say(3, true, lines[3]!), say(8, true, lines[4]!, 'failed'), say(9, true, '👍', 'sending')]
}

const STATES: Record<string, () => Partial<RoomSnapshot>> = {
  alone: () => ({}),
  pair: () => ({ peers: [peer(others[0]!, { camera: camera(160), speaking: true })] }),
  dark: () => ({ peers: [peer(others[0]!, { path: relayed })] }),
  three: () => ({ peers: [peer(others[0]!, { camera: camera(20) }), peer(others[1]!, { path: relayed, sends: { microphone: false, camera: false, screen: false, screenSound: false } })] }),
  six: () => ({ peers: others.map((name, n) => peer(name, { camera: n % 2 ? null : camera(n * 70), path: n === 1 ? relayed : direct, speaking: n === 2 })) }),
  screen: () => ({ peers: [peer(others[0]!, { camera: camera(160), screen: screen() }), peer(others[1]!, { path: relayed })] }),
  connecting: () => ({ peers: [peer(others[0]!, { link: 'connecting', path: null })] }),
  reconnecting: () => ({ signal: 'reconnecting', peers: [peer(others[0]!, { link: 'reconnecting', path: null, camera: camera(160) })] }),
  failed: () => ({ peers: [peer(others[0]!, { link: 'failed', path: null })] }),
  failedOfThree: () => ({ peers: [peer(others[0]!, { link: 'failed', path: null }), peer(others[1]!, { camera: camera(90) })] }),
  slow: () => ({ peers: [peer(others[0]!, { camera: camera(160), path: { ...relayed, rttMs: 640 } })] }),
  sharing: () => ({ peers: [peer(others[0]!, { camera: camera(160) })], sends: { microphone: true, camera: true, screen: true, screenSound: false } }),
  newGuest: () => ({ peers: [peer(others[0]!, { camera: camera(160) })] }),
  chat: () => ({ peers: [peer(others[0]!, { camera: camera(160) })], chat: chat() }),
}

const state = query.get('state') ?? 'pair'
const snapshot = shallowRef<RoomSnapshot>({
  room: 'kxm4-q7wd-9bnh',
  signal: 'open',
  self: { peer: 'me', user: { id: 'me', name: zh ? '张伟' : 'Sam' }, region: 'eu', edge: 'e1' },
  joined: true,
  sends: { microphone: true, camera: true, screen: false, screenSound: false },
  status: NO_STATUS,
  peers: [],
  chat: [],
  earlier: 'none',
  files: [],
  error: null,
  ...STATES[state]?.(),
})

const off = { state: 'off', problem: null, deviceId: null, label: '', track: null } as const
const own = query.has('off') ? null : camera(220)
const devices: MediaSnapshot = {
  microphone: { ...off, state: query.has('off') ? 'off' : 'on', permission: 'granted' },
  camera: { ...off, state: own ? 'on' : 'off', track: own, permission: 'granted' },
  screen: { ...off, state: snapshot.value.sends.screen ? 'on' : 'off' },
  microphones: [{ deviceId: 'a', label: 'Built-in microphone' }],
  cameras: [{ deviceId: 'b', label: 'FaceTime HD camera' }],
  speakers: [],
  speakerId: null,
  sound: USUAL_SOUND,
  canShareScreen: innerWidth > 600,
}

const done = () => Promise.resolve()
const media = {
  setMicrophone: done, setCamera: done, startScreen: done, stopScreen: done,
  selectMicrophone: done, selectCamera: done, selectSpeaker: () => undefined, onLevel: () => () => undefined, setSound: done,
}
const call = { sendText: done, retryText: done, restartIce: () => undefined }

// Without what features add: they want a call that is more than words.
createApp({
  render: () =>
    h(CallView, { call: call as unknown as RoomCall, snapshot: snapshot.value, media: media as unknown as LocalMedia, devices, features: [] }),
})
  .use(createWords(zh ? 'zh' : 'en'))
  .mount('#app')

// A notice of something that happens, not of how things stand.
if (state === 'newGuest') {
  const { self } = snapshot.value
  void nextTick(() => (snapshot.value = { ...snapshot.value, self: self && { ...self, user: { ...self.user, id: 'another' } } }))
}
