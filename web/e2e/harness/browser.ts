import { mkdtemp, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { testFrames, writeY4M } from './y4m'

export interface BrowserOptions {
  /** A .y4m file to take for the camera; a small test picture unless given. */
  camera?: string
  /** So many cameras of the browser's own making, instead of the one from a file. */
  cameras?: number
  /** What the reader answers when the browser asks for a camera or a microphone. */
  devices?: 'allow' | 'deny'
  /** As an administrator's policy can: no UDP that does not go through a proxy, of which there is none. */
  udp?: 'allow' | 'deny'
  /** Trusts whatever has a key with this SHA-256, base64. */
  trust?: string
}

/** Chromium with a camera, a microphone and a screen that are not real, and that beeps now and then. */
export class TestBrowser {
  readonly chromium: Browser
  private readonly dir: string

  private constructor(chromium: Browser, dir: string) {
    this.chromium = chromium
    this.dir = dir
  }

  static async start({ camera, cameras, devices = 'allow', udp = 'allow', trust }: BrowserOptions = {}): Promise<TestBrowser> {
    const dir = await mkdtemp(join(tmpdir(), 'callmesh-camera-'))
    const file = camera ?? join(dir, 'camera.y4m')
    // Software codecs: a larger picture would cost more than it proves.
    if (!camera && !cameras) await writeY4M(file, { width: 320, height: 240 }, 10, testFrames({ width: 320, height: 240 }, 20))
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        `--use-fake-ui-for-media-stream${devices === 'deny' ? '=deny' : ''}`,
        `--use-fake-device-for-media-stream=display-media-type=browser${cameras ? `,device-count=${cameras}` : ''}`,
        ...(cameras ? [] : [`--use-file-for-fake-video-capture=${file}`]),
        // The browser's own errands; the page's requests are watched, and these would only take time.
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        // For `useScales`: without it nobody outside of a worker can have its garbage collected.
        '--js-flags=--expose-gc',
        // A page of two is always in the background, where timers would run once a second.
        '--disable-renderer-backgrounding',
        '--disable-background-timer-throttling',
        '--disable-backgrounding-occluded-windows',
        ...(udp === 'deny' ? ['--webrtc-ip-handling-policy=disable_non_proxied_udp'] : []),
        ...(trust ? [`--ignore-certificate-errors-spki-list=${trust}`] : []),
        ...(onNetwork() ? [] : ['--allow-loopback-in-peer-connection']),
      ],
    })
    return new TestBrowser(browser, dir)
  }

  async close(): Promise<void> {
    await this.chromium.close()
    await rm(this.dir, { recursive: true, force: true })
  }
}

/** On a machine without a network, ICE would find no address of its own. */
function onNetwork(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal, family }) => !internal && family === 'IPv4'))
}
