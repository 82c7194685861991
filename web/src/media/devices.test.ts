// @vitest-environment node
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { LocalMedia } from './devices'
import { problemOf } from './problems'

class FakeTrack extends EventTarget {
  readyState: MediaStreamTrackState = 'live'
  enabled = true
  contentHint = ''
  readonly kind: string
  readonly id: string
  readonly label: string

  constructor(kind: string, id: string) {
    super()
    this.kind = kind
    this.id = id
    this.label = `the ${id}`
  }

  getSettings(): MediaTrackSettings {
    return { deviceId: this.id.split('#')[0] ?? '' }
  }

  stop(): void {
    this.readyState = 'ended'
  }

  /** As when the device is pulled out, or the browser's own button ends the sharing. */
  end(): void {
    this.readyState = 'ended'
    this.dispatchEvent(new Event('ended'))
  }
}

/** The machine's devices: what is plugged in, and how the next questions are answered. */
class FakeDevices extends EventTarget {
  plugged = ['mic1', 'mic2', 'cam1', 'cam2']
  refusals: { name: string; message?: string }[] = []
  /** Set to keep the browser asking. */
  asking: Promise<void> | null = null
  readonly tracks: FakeTrack[] = []
  readonly asked: MediaStreamConstraints[] = []
  /** Whether a screen comes with its sound. */
  screenSounds = false

  async getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
    this.asked.push(constraints)
    await this.asking
    const kind = constraints.audio ? 'audio' : 'video'
    const wanted = constraints[kind] as MediaTrackConstraints
    const exact = (wanted.deviceId as { exact: string } | undefined)?.exact
    const prefix = kind === 'audio' ? 'mic' : 'cam'
    const refusal = this.refusals.shift()
    if (refusal) throw new DOMException(refusal.message ?? '', refusal.name)
    const device = this.plugged.find((d) => (exact ? d === exact : d.startsWith(prefix)))
    if (!device) throw new DOMException('', exact ? 'OverconstrainedError' : 'NotFoundError')
    return this.stream(kind, device)
  }

  async getDisplayMedia(): Promise<MediaStream> {
    const refusal = this.refusals.shift()
    if (refusal) throw new DOMException(refusal.message ?? '', refusal.name)
    const { tracks } = this
    const picture = this.stream('video', 'screen').getTracks()
    const sound = this.screenSounds ? this.stream('audio', 'screen').getTracks() : []
    return { getTracks: () => tracks, getVideoTracks: () => picture, getAudioTracks: () => sound } as unknown as MediaStream
  }

  async enumerateDevices(): Promise<MediaDeviceInfo[]> {
    return this.plugged.map((deviceId) => ({
      deviceId, kind: deviceId.startsWith('mic') ? 'audioinput' : 'videoinput', label: deviceId, groupId: '', toJSON: () => ({}),
    }))
  }

  private stream(kind: string, device: string): MediaStream {
    const track = new FakeTrack(kind, `${device}#${this.tracks.length}`)
    this.tracks.push(track)
    return { getTracks: () => [track] } as unknown as MediaStream
  }
}

let devices: FakeDevices
let media: LocalMedia

beforeEach(() => {
  devices = new FakeDevices()
  media = new LocalMedia({ devices: devices as unknown as MediaDevices, permissions: undefined })
})

const settle = () => new Promise((resolve) => setTimeout(resolve))
const live = () => devices.tracks.filter((t) => t.readyState === 'live').map((t) => t.id)

describe('a microphone', () => {
  it('is opened when wanted, and kept ready but unheard while off', async () => {
    expect(media.snapshot().microphone).toMatchObject({ state: 'off', problem: null, track: null })
    await media.setMicrophone(true)
    expect(media.snapshot().microphone).toMatchObject({ state: 'on', deviceId: 'mic1', label: 'the mic1#0' })
    await media.setMicrophone(false)
    expect(media.track('microphone')).toBeNull()
    expect(devices.tracks[0]).toMatchObject({ readyState: 'live', enabled: false })
    await media.setMicrophone(true)
    expect(media.track('microphone')).toBe(devices.tracks[0])
    expect(devices.tracks[0]?.enabled).toBe(true)
    expect(devices.asked).toHaveLength(1)
  })

  it('is let go at the end, even if the reader answers after it', async () => {
    let answer = () => {}
    devices.asking = new Promise((resolve) => (answer = resolve))
    const opening = media.setMicrophone(true)
    await settle()
    expect(media.snapshot().microphone.state).toBe('asking')
    const released = media.release()
    answer()
    await Promise.all([opening, released])
    expect(live()).toEqual([])
    expect(media.snapshot().microphone.state).toBe('off')
  })

  it('is changed without a gap: the new one is there before the old one ends', async () => {
    await media.setMicrophone(true)
    const seen: (string | undefined)[] = []
    media.subscribe(({ microphone }) => {
      if (seen.at(-1) !== microphone.track?.id) seen.push(microphone.track?.id)
    })
    await media.selectMicrophone('mic2')
    expect(seen).toEqual(['mic1#0', 'mic2#1'])
    expect(live()).toEqual(['mic2#1'])
  })

  it('stays as it is when the new one cannot be had', async () => {
    await media.setMicrophone(true)
    devices.refusals = [{ name: 'NotAllowedError' }]
    await media.selectMicrophone('mic2')
    expect(live()).toEqual(['mic1#0'])
    expect(media.snapshot().microphone).toMatchObject({ state: 'on', problem: 'denied', deviceId: 'mic1' })
  })

  it('makes room for the new one where only one can be open', async () => {
    await media.setMicrophone(true)
    devices.refusals = [{ name: 'NotReadableError' }]
    await media.selectMicrophone('mic2')
    expect(live()).toEqual(['mic2#1'])
  })

  it('that was chosen and is not there is replaced by any other', async () => {
    await media.selectMicrophone('gone')
    await media.setMicrophone(true)
    expect(media.snapshot().microphone).toMatchObject({ state: 'on', deviceId: 'mic1', problem: null })
  })

  it('that is pulled out is replaced, and missed only if there is no other', async () => {
    await media.setMicrophone(true)
    devices.plugged = ['mic2']
    devices.tracks[0]?.end()
    await settle()
    expect(media.snapshot().microphone).toMatchObject({ state: 'on', deviceId: 'mic2' })
    devices.plugged = []
    devices.tracks[1]?.end()
    await settle()
    expect(media.snapshot().microphone).toMatchObject({ state: 'off', problem: 'lost', track: null })
  })
})

describe('a camera', () => {
  it('is let go while off, so that its lamp goes out', async () => {
    await media.setCamera(true)
    await media.setCamera(false)
    expect(live()).toEqual([])
  })

  it('is not left open by one who changed his mind while being asked', async () => {
    let answer = () => {}
    devices.asking = new Promise((resolve) => (answer = resolve))
    const on = media.setCamera(true)
    await settle()
    const off = media.setCamera(false)
    expect(media.snapshot().camera.state).toBe('off')
    answer()
    await Promise.all([on, off])
    expect(live()).toEqual([])
    expect(media.track('camera')).toBeNull()
  })

  it.each([
    [{ name: 'NotAllowedError' }, 'denied'],
    [{ name: 'NotAllowedError', message: 'Permission denied by system' }, 'denied_by_system'],
    [{ name: 'NotAllowedError', message: 'Permission dismissed' }, 'dismissed'],
    [{ name: 'NotFoundError' }, 'missing'],
    [{ name: 'NotReadableError' }, 'busy'],
    [{ name: 'OddError' }, 'failed'],
  ])('refused with %j is %s', async (refusal, problem) => {
    devices.refusals = [refusal]
    await media.setCamera(true)
    expect(media.snapshot().camera).toMatchObject({ state: 'off', problem, track: null })
    await media.setCamera(true)
    expect(media.snapshot().camera).toMatchObject({ state: 'on', problem: null })
  })
})

describe('a screen', () => {
  it('is shared until either side of the browser ends it', async () => {
    await media.startScreen()
    expect(media.snapshot().screen.state).toBe('on')
    expect(devices.tracks[0]?.contentHint).toBe('detail')
    devices.tracks[0]?.end()
    expect(media.snapshot().screen).toMatchObject({ state: 'off', problem: null, track: null })
    await media.startScreen()
    await media.stopScreen()
    expect(live()).toEqual([])
  })

  it('has the sound that came with it, for as long as it is shared', async () => {
    devices.screenSounds = true
    await media.startScreen()
    expect(media.track('screenSound')).toMatchObject({ kind: 'audio', contentHint: 'music' })
    expect(live()).toHaveLength(2)
    await media.stopScreen()
    expect(media.track('screenSound')).toBeNull()
    expect(live()).toEqual([])
  })

  it('goes on when its sound ends', async () => {
    devices.screenSounds = true
    await media.startScreen()
    let told = 0
    const end = media.subscribe(() => told++)
    devices.tracks[1]?.end()
    end()
    expect(told).toBe(2)
    expect(media.track('screenSound')).toBeNull()
    expect(media.snapshot().screen.state).toBe('on')
  })

  it('that is not chosen is no problem, but one that the system forbids is', async () => {
    devices.refusals = [{ name: 'NotAllowedError', message: 'Permission denied by user' }, { name: 'NotAllowedError', message: 'Permission denied by system' }]
    await media.startScreen()
    expect(media.snapshot().screen).toMatchObject({ state: 'off', problem: null })
    await media.startScreen()
    expect(media.snapshot().screen).toMatchObject({ state: 'off', problem: 'denied_by_system' })
  })
})

describe('all of them', () => {
  it('are listed, and again when something is plugged in', async () => {
    await settle()
    expect(media.snapshot().microphones.map((d) => d.deviceId)).toEqual(['mic1', 'mic2'])
    devices.plugged.push('mic3')
    devices.dispatchEvent(new Event('devicechange'))
    await settle()
    expect(media.snapshot().microphones).toHaveLength(3)
    media.dispose()
    devices.plugged = []
    devices.dispatchEvent(new Event('devicechange'))
    await settle()
    expect(media.snapshot().microphones).toHaveLength(3)
  })

  it('are told apart from a page that may have none', async () => {
    const bare = new LocalMedia({ devices: undefined, permissions: undefined })
    await bare.setCamera(true)
    expect(bare.snapshot().camera.problem).toBe('unsupported')
    vi.stubGlobal('isSecureContext', false)
    await bare.setMicrophone(true)
    expect(bare.snapshot().microphone.problem).toBe('insecure')
    vi.unstubAllGlobals()
  })

  it('tell of permissions and of their change', async () => {
    const status = Object.assign(new EventTarget(), { state: 'prompt' as PermissionState })
    const permissions = { query: async () => status } as unknown as Permissions
    const asked = new LocalMedia({ devices: devices as unknown as MediaDevices, permissions })
    await settle()
    expect(asked.snapshot().camera.permission).toBe('prompt')
    status.state = 'denied'
    status.dispatchEvent(new Event('change'))
    expect(asked.snapshot().camera.permission).toBe('denied')
    asked.dispose()
  })

  it('report a change once', async () => {
    await settle()
    const told = vi.fn()
    media.subscribe(told)
    expect(told).toHaveBeenCalledOnce()
    media.selectSpeaker('s')
    media.selectSpeaker('s')
    expect(told).toHaveBeenCalledTimes(2)
  })
})

it('anything else thrown is a failure', () => {
  for (const odd of [null, undefined, 'text', new TypeError('x')]) expect(problemOf(odd)).toBe('failed')
})
