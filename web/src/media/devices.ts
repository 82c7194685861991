import type { Slot } from '../call/state'
import { Listeners } from '../signal/listeners'
import { CameraEffects } from './effects/cameraEffects'
import { Meter } from './meter'
import { MutedVoice } from './mutedVoice'
import { MicrophoneNoise } from './noise/microphoneNoise'
import { soundConstraints, USUAL_SOUND, type SoundSettings } from './noise/settings'
import { Unavailable } from './problems'
import { canShareScreen, chooseScreen, ScreenCapture } from './screenCapture'
import type { SourceView } from './source'
import { Source } from './source'

/** A microphone, camera or speaker of this machine. */
export interface Device {
  deviceId: string
  /** Empty until the reader has allowed the kind once. */
  label: string
}

/** `unknown` where the browser doesn't tell. */
export type Permission = PermissionState | 'unknown'

/** The devices at one moment: which there are, which are in use, and what keeps one from it. */
export interface MediaSnapshot {
  microphone: SourceView & { permission: Permission }
  camera: SourceView & { permission: Permission }
  screen: SourceView
  microphones: Device[]
  cameras: Device[]
  speakers: Device[]
  /** Chosen for output; null means the browser's choice. Whoever plays sound sets it there. */
  speakerId: string | null
  /** What is done to the microphone's sound. */
  sound: SoundSettings
  /** Whether there is a screen to share from at all (phones have none). */
  canShareScreen: boolean
}

/** What {@link LocalMedia} takes devices from; the browser's own unless told. */
export interface LocalMediaOptions {
  devices?: MediaDevices | undefined
  permissions?: Permissions | undefined
  /** Beside the device; 720p at 30 a second unless told. */
  video?: MediaTrackConstraints
}

const VIDEO: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } }

/** The reader's own microphone, camera and screen: opened when wanted, let go when not. */
export class LocalMedia {
  /** What is done to the camera's picture; peers, the preview and recordings all get what comes out of it. */
  readonly effects: CameraEffects
  /** How the suppressor of the microphone's noise is doing. */
  readonly noise: MicrophoneNoise
  private readonly devices: MediaDevices | undefined
  private readonly listeners = new Listeners<MediaSnapshot>()
  private readonly levels = new Listeners<number>()
  private readonly sources: Record<Exclude<Slot, 'screenSound'>, Source>
  private readonly capture = new ScreenCapture(() => this.changed())
  /** A screen that was chosen ahead, until it is opened. */
  private chosenScreen: MediaStream | null = null
  private readonly permissions: Record<'microphone' | 'camera', Permission> = { microphone: 'unknown', camera: 'unknown' }
  private readonly disposal = new AbortController()
  private known: MediaDeviceInfo[] = []
  private speakerId: string | null = null
  private sound = USUAL_SOUND
  private meter: { meter: Meter; track: MediaStreamTrack } | null = null
  private levelListeners = 0
  private readonly mutedVoices = new Listeners<void>()
  private readonly mutedVoice = new MutedVoice(() => this.mutedVoices.emit())
  private mutedListeners = 0
  private told = ''

  constructor(options: LocalMediaOptions = {}) {
    // Absent on a page that is neither https nor localhost.
    this.devices = 'devices' in options ? options.devices : navigator.mediaDevices
    const changed = () => this.changed()
    const video = options.video ?? VIDEO
    this.effects = new CameraEffects({ changed })
    this.noise = new MicrophoneNoise({ changed })
    this.sources = {
      microphone: new Source({ open: (id) => this.open('audio', soundConstraints(this.sound), id), changed, stage: this.noise, keepOpen: true, reopen: true }),
      camera: new Source({ open: (id) => this.open('video', video, id), changed, stage: this.effects, reopen: true }),
      screen: new Source({ open: () => this.openScreen(), changed, declinable: true }),
    }
    this.devices?.addEventListener?.('devicechange', () => void this.refreshDevices(), { signal: this.disposal.signal })
    void this.refreshDevices()
    const permissions = 'permissions' in options ? options.permissions : navigator.permissions
    void this.watchPermission(permissions, 'microphone')
    void this.watchPermission(permissions, 'camera')
  }

  /** Resolves when done or failed; what came of it is in the snapshot. */
  setMicrophone(on: boolean): Promise<void> {
    return this.sources.microphone.set(on)
  }

  /** As {@link setMicrophone}. */
  setCamera(on: boolean): Promise<void> {
    return this.sources.camera.set(on)
  }

  /**
   * Must be called from a click or key press: browsers insist. Declining the choice is no problem, just no sharing. `chosen` is one that was chosen
   * before, and is shared without a question.
   */
  startScreen(chosen?: MediaStream): Promise<void> {
    this.chosenScreen = chosen ?? null
    return this.sources.screen.set(true)
  }

  /** Resolves when nothing of the screen is sent any more. */
  stopScreen(): Promise<void> {
    return this.sources.screen.set(false)
  }

  /** Null gives the choice back to the browser. */
  selectMicrophone(deviceId: string | null): Promise<void> {
    return this.sources.microphone.select(deviceId)
  }

  /** As {@link selectMicrophone}. */
  selectCamera(deviceId: string | null): Promise<void> {
    return this.sources.camera.select(deviceId)
  }

  /** Notes where sound is to be played; whoever plays it does so. Null is the browser's choice. */
  selectSpeaker(deviceId: string | null): void {
    this.speakerId = deviceId
    this.changed()
  }

  /** Resolves when the microphone is as it was told. Where the browser takes no change of an open device, it is opened anew. */
  async setSound(sound: SoundSettings): Promise<void> {
    const asked = (settings: SoundSettings) => JSON.stringify(soundConstraints(settings))
    const anew = asked(sound) !== asked(this.sound)
    this.sound = sound
    this.noise.set(sound.noise === 'rnnoise')
    this.changed()
    if (anew) await this.sources.microphone.reopen()
  }

  /** What is to be sent in a slot now; null for nothing. */
  track(slot: Slot): MediaStreamTrack | null {
    return slot === 'screenSound' ? this.capture.soundOf(this.track('screen')) : this.sources[slot].view().track
  }

  /** The devices as they are now. */
  snapshot(): MediaSnapshot {
    const list = (kind: MediaDeviceKind): Device[] =>
      this.known.filter((d) => d.kind === kind && d.deviceId !== '').map(({ deviceId, label }) => ({ deviceId, label }))
    return {
      microphone: { ...this.sources.microphone.view(), permission: this.permissions.microphone },
      camera: { ...this.sources.camera.view(), permission: this.permissions.camera },
      screen: this.sources.screen.view(),
      microphones: list('audioinput'),
      cameras: list('videoinput'),
      speakers: list('audiooutput'),
      speakerId: this.speakerId,
      sound: this.sound,
      canShareScreen: canShareScreen(this.devices),
    }
  }

  /** Tells the state now and at every change, until the returned function is called. */
  subscribe(listener: (snapshot: MediaSnapshot) => void): () => void {
    const end = this.listeners.add(listener)
    listener(this.snapshot())
    return end
  }

  /** Tells the loudness of our own microphone, 0 to 1, ten times a second while it is on. Measured only while somebody listens. */
  onLevel(listener: (level: number) => void): () => void {
    const end = this.levels.add(listener)
    this.levelListeners++
    this.measure()
    let ended = false
    return () => {
      if (ended) return
      ended = true
      end()
      this.levelListeners--
      this.measure()
    }
  }

  /** Tells, again and again, while somebody speaks into our microphone though it is off. Listened to only while somebody wants to know. */
  onVoiceWhileMuted(listener: () => void): () => void {
    const end = this.mutedVoices.add(listener)
    this.mutedListeners++
    this.measure()
    let ended = false
    return () => {
      if (ended) return
      ended = true
      end()
      this.mutedListeners--
      this.measure()
    }
  }

  /** Reads anew which devices there are; browsers that tell of changes need no asking. Never rejects. */
  async refreshDevices(): Promise<void> {
    try {
      this.known = (await this.devices?.enumerateDevices?.()) ?? []
    } catch {
      // Without a list the browser's choice still works.
      this.known = []
    }
    this.changed()
  }

  /** Turns everything off and lets go of all devices, as at the end of a call. */
  async release(): Promise<void> {
    await Promise.all(Object.values(this.sources).map((s) => s.release()))
  }

  /** Releases, and listens to nothing any more. */
  dispose(): void {
    this.disposal.abort()
    void this.release().then(() => this.effects.close())
  }

  private async open(kind: 'audio' | 'video', constraints: MediaTrackConstraints, deviceId: string | null): Promise<MediaStreamTrack> {
    if (typeof this.devices?.getUserMedia !== 'function') throw this.unavailable()
    const stream = await this.devices.getUserMedia({
      [kind]: deviceId === null ? constraints : { ...constraints, deviceId: { exact: deviceId } },
    })
    // Labels can be read only now.
    void this.refreshDevices()
    return only(stream)
  }

  private async openScreen(): Promise<MediaStreamTrack> {
    const chosen = this.chosenScreen
    this.chosenScreen = null
    if (chosen) return this.capture.take(chosen)
    if (typeof this.devices?.getDisplayMedia !== 'function') throw this.unavailable()
    return this.capture.take(await chooseScreen(this.devices))
  }

  private unavailable(): Unavailable {
    return new Unavailable(globalThis.isSecureContext === false ? 'insecure' : 'unsupported')
  }

  private async watchPermission(permissions: Permissions | undefined, name: 'microphone' | 'camera'): Promise<void> {
    try {
      const status = await permissions?.query({ name: name as PermissionName })
      if (!status || this.disposal.signal.aborted) return
      const read = () => {
        this.permissions[name] = status.state
        this.changed()
      }
      status.addEventListener('change', read, { signal: this.disposal.signal })
      read()
    } catch {
      // Firefox doesn't know these names; asking is then the only way to learn.
    }
  }

  private changed(): void {
    this.measure()
    this.capture.tidy()
    const snapshot = this.snapshot()
    // Steps of a source report freely; listeners hear of real changes alone. Tracks are told apart by id.
    const telling = JSON.stringify([snapshot, this.track('screenSound')], (_, value: unknown) => (isTrack(value) ? value.id : value))
    if (telling === this.told) return
    this.told = telling
    this.listeners.emit(snapshot)
  }

  private measure(): void {
    this.mutedVoice.follow(this.mutedListeners > 0 ? this.sources.microphone.resting() : null)
    const track = this.levelListeners > 0 ? this.track('microphone') : null
    if (this.meter?.track === track || (!this.meter && !track)) return
    this.meter?.meter.stop()
    this.meter = null
    if (track) this.meter = { track, meter: new Meter(track, (level) => this.levels.emit(level)) }
    else this.levels.emit(0)
  }
}

function only(stream: MediaStream): MediaStreamTrack {
  const [track] = stream.getTracks()
  if (!track) throw new DOMException('the device gave no track', 'NotFoundError')
  return track
}

function isTrack(value: unknown): value is MediaStreamTrack {
  return typeof value === 'object' && value !== null && 'readyState' in value && 'kind' in value && 'id' in value
}

export type { Problem } from './problems'
export type { SourceView } from './source'
