import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Coturn } from './coturn'
import { binary } from './mesh'
import { Program } from './program'

/** Some coturns of one region, each with its turnctl beside it, which announces it on NATS. */
export class Fleet {
  readonly relays: Coturn[] = []
  private readonly dir: string
  private readonly nats: string
  private readonly secret: string
  private readonly agents: Program[] = []

  constructor(dir: string, nats: string, secret: string) {
    this.dir = dir
    this.nats = nats
    this.secret = secret
  }

  async start(relays: number): Promise<void> {
    await mkdir(this.dir, { recursive: true })
    await writeFile(this.secretFile, this.secret)
    const dirs = Array.from({ length: relays }, (_, relay) => join(this.dir, String(relay)))
    this.relays.push(...(await Promise.all(dirs.map((dir) => Coturn.start(dir, this.secret)))))
    for (const [relay, { urls }] of this.relays.entries()) {
      // No browser here trusts its certificate.
      const plain = urls.filter((url) => url.startsWith('turn:')).flatMap((url) => ['--url', url])
      this.agents.push(this.turnctl(`watch relay${relay}`, ['watch', ...plain, '--id', `relay${relay}`, '--realm', 'test', '--secret-file', this.secretFile, '--interval', '2s', '--admin-listen', '127.0.0.1:0']))
    }
  }

  /** Begins to take a relay out of service; returns once edges are told and it takes no more calls. */
  async drain(relay: Coturn): Promise<void> {
    const id = `relay${this.relays.indexOf(relay)}`
    const drain = this.turnctl(`drain ${id}`, ['drain', '--conf', relay.conf, '--pid', String(relay.pid), '--cli-password-file', this.secretFile, '--relay-id', id, '--keep-running'])
    this.agents.push(drain)
    await drain.line(/allocations? left/)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.agents.map((agent) => agent.kill()), ...this.relays.map((relay) => relay.stop())])
  }

  log(): string {
    return [...this.agents, ...this.relays].map((part) => part.log()).join('\n')
  }

  private get secretFile(): string {
    return join(this.dir, 'secret')
  }

  private turnctl(name: string, args: string[]): Program {
    return new Program(name, binary('TURNCTL_BIN'), [...args, '--region', 'test', '--nats-url', this.nats])
  }
}
