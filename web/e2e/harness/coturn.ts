import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { vi } from 'vitest'
import { quietPort } from './ports'
import { Program } from './program'

/** A coturn on this machine, with a certificate that no browser trusts by itself, and a command-line interface for turnctl. */
export class Coturn {
  /** As an edge names it. */
  readonly urls: string[]
  /** SHA-256 of the certificate's public key (RFC 7469 §2.4), base64: for a browser that is to trust it. */
  readonly pin: string
  /** What turnctl reads of its configuration. */
  readonly conf: string
  private readonly program: Program

  private constructor(program: Program, urls: string[], pin: string, conf: string) {
    this.program = program
    this.urls = urls
    this.pin = pin
    this.conf = conf
  }

  get pid(): number {
    return this.program.pid
  }

  static async start(dir: string, secret: string): Promise<Coturn> {
    await mkdir(dir, { recursive: true })
    const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'certificate.pem')]
    const subject = ['-subj', '/CN=callmesh test', '-addext', 'subjectAltName=IP:127.0.0.1']
    await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', ...subject, '-keyout', key, '-out', certificate])
    const { publicKey } = new X509Certificate(await readFile(certificate))
    // It can't choose them itself and tell.
    const [plain, tls, cli] = await Promise.all([quietPort(), quietPort(), quietPort()])
    const conf = join(dir, 'turnserver.conf')
    await writeFile(conf, `cli-ip=127.0.0.1\ncli-port=${cli}\ncli-password=${secret}\n`)
    const program = new Program('coturn', 'turnserver', [
      '-n', '--cli-ip=127.0.0.1', `--cli-port=${cli}`, `--cli-password=${secret}`, '--log-file=stdout', '--simple-log', `--pidfile=${join(dir, 'pid')}`, `--userdb=${join(dir, 'users')}`,
      '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', '--allow-loopback-peers', `--listening-port=${plain}`, `--tls-listening-port=${tls}`,
      `--cert=${certificate}`, `--pkey=${key}`, '--realm=test', '--use-auth-secret', `--static-auth-secret=${secret}`,
    ])
    await vi.waitUntil(() => listens(tls), { timeout: 45_000, interval: 100 })
    const at = `127.0.0.1:${plain}`
    const urls = [`turn:${at}?transport=udp`, `turn:${at}?transport=tcp`, `turns:127.0.0.1:${tls}?transport=tcp`]
    return new Coturn(program, urls, createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64'), conf)
  }

  stop(): Promise<void> {
    return this.program.kill()
  }

  log(): string {
    return this.program.log()
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const told = (open: boolean) => () => {
      socket.destroy()
      resolve(open)
    }
    socket.on('connect', told(true)).on('error', told(false))
  })
}
