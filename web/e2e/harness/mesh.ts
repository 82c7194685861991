import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { Coturn } from './coturn'
import { Fleet } from './fleet'
import { Front } from './front'
import { quietPort } from './ports'
import { Program } from './program'

/** The path of a program under test. */
export function binary(variable: string): string {
  const path = process.env[variable]
  if (!path) throw new Error(`${variable} is not set: run \`make e2e\`, or set it to the path of the program`)
  return path
}

interface Ports {
  listen: string
  admin: string
  turn: string
}

interface Place {
  dir: string
  secret: string
  /** The NATS to join; without one it is all there is: the one program of `make run`, with the NATS and the relay inside. */
  nats?: string
  /** Relays of others to name, in place of one inside. */
  relays?: string[]
}

/** One edge process. It can be killed and started again in the same place. */
export class Edge {
  readonly name: string
  /** What a visitor types, without the slash at its end. */
  origin = ''
  private admin = ''
  private program: Program | null = null
  private readonly past: Program[] = []
  /** Origins of other sites that it lets in, once it is started anew. */
  allowedOrigins: string[] = []
  // Free ones the first time; pages know but one address, so afterwards the same.
  private ports: Ports = { listen: '127.0.0.1:0', admin: '127.0.0.1:0', turn: '' }

  private readonly place: Place

  constructor(name: string, place: Place) {
    this.name = name
    this.place = place
  }

  async start(): Promise<void> {
    const { dir, nats, secret, relays } = this.place
    if (!relays && !this.ports.turn) this.ports.turn = `127.0.0.1:${await quietPort()}`
    const { listen, admin, turn } = this.ports
    const program = new Program(
      `edge ${this.name}`,
      // Another version of it, to see whether the two get along.
      process.env[`EDGE_BIN_${this.name.toUpperCase()}`] ?? binary('EDGE_BIN'),
      [
        ['serve', '--guests', '--region', 'test', '--data-dir', dir],
        ['--listen', listen, '--admin-listen', admin],
        this.allowedOrigins.flatMap((origin) => ['--allowed-origin', origin]),
        relays ? relays.flatMap((url) => ['--turn-url', url]) : ['--turn-embedded', '--turn-listen', turn],
        // The relays of the two edges are on one machine and must reach each other.
        nats ? ['--nats-url', nats, '--turn-allow-peer', '127.0.0.1/32'] : ['--tls-off'],
      ].flat(),
      { CALLMESH_AUTH_SECRET: secret, ...(relays && { CALLMESH_TURN_SECRET: secret }) },
    )
    this.program = program
    this.past.push(program)
    const [, turnAddress = turn] = relays ? [] : await program.line(/msg="relay listens".* addr=(\S+)/)
    const [, adminOrigin = ''] = await program.line(/msg=metrics url=(http:\S+)\/metrics/)
    // What whoever starts one reads, too.
    const [, origin = ''] = await program.line(/callmesh is ready\. Open +(http:\S+)\//)
    this.origin = origin
    this.admin = adminOrigin
    this.ports = { listen: `127.0.0.1:${new URL(origin).port}`, admin: new URL(adminOrigin).host, turn: turnAddress }
    await vi.waitUntil(() => this.ready(), { timeout: 45_000, interval: 50 })
  }

  /** As a machine that loses its power: nobody is told anything. */
  async kill(): Promise<void> {
    await this.program?.kill('SIGKILL')
    this.program = null
  }

  /** As an operator or Kubernetes stops it: it sends its sessions elsewhere first. */
  async drain(): Promise<void> {
    await this.program?.kill('SIGTERM')
    this.program = null
  }

  /** A metric's value, all its labels added up. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.admin}/metrics`)).text()
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  log(): string {
    return this.past.map((program) => program.log()).join('\n')
  }

  async ready(): Promise<boolean> {
    if (!this.program) return false
    return fetch(`${this.origin}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
  }
}

/** A NATS process and two edge processes that have nothing in common but it and a secret. */
export class Mesh {
  readonly a: Edge
  readonly b: Edge
  /** One address for both edges: this one goes to edge a as long as it can. */
  readonly viaA: Front
  /** And this one to edge b. */
  readonly viaB: Front
  /** An edge that has nothing to do with the others; a test that wants it starts it. */
  readonly alone: Edge
  /** One like it, whose relay is down: it names one where nobody listens. */
  readonly stranded: Edge
  /** One like it, whose relay is a coturn that offers TLS, too; {@link startSecured}. */
  secured: Edge | null = null
  /** An edge on the NATS of the two, without a relay of its own: it gives those that are announced there; {@link startFleet}. */
  relayed: Edge | null = null
  /** Where the two edges meet. */
  readonly natsURL: string
  private readonly dir: string
  private readonly secret: string
  private nats: Program
  private coturn: Coturn | null = null
  private fleet: Fleet | null = null

  private constructor(dir: string, nats: Program, url: string) {
    this.dir = dir
    this.nats = nats
    this.natsURL = url
    const secret = (this.secret = randomBytes(32).toString('base64url'))
    this.a = new Edge('a', { dir: join(dir, 'a'), nats: url, secret })
    this.b = new Edge('b', { dir: join(dir, 'b'), nats: url, secret })
    this.alone = new Edge('alone', { dir: join(dir, 'alone'), secret })
    // The discard port, which no program here has.
    const relays = ['udp', 'tcp'].map((transport) => `turn:127.0.0.1:9?transport=${transport}`)
    this.stranded = new Edge('stranded', { dir: join(dir, 'stranded'), secret, relays })
    this.viaA = new Front('via a', [this.a, this.b])
    this.viaB = new Front('via b', [this.b, this.a])
  }

  static async start(): Promise<Mesh> {
    const dir = await mkdtemp(join(tmpdir(), 'callmesh-e2e-'))
    let stop = () => rm(dir, { recursive: true, force: true })
    try {
      const nats = startNATS(dir, '127.0.0.1:0')
      const [url] = await nats.line(/^nats:\S+/)
      const mesh = new Mesh(dir, nats, url)
      stop = () => mesh.stop()
      await Promise.all([mesh.a.start(), mesh.b.start(), mesh.viaA.start(), mesh.viaB.start()])
      return mesh
    } catch (error) {
      await stop()
      throw error
    }
  }

  async startSecured(): Promise<Coturn> {
    this.coturn = await Coturn.start(join(this.dir, 'coturn'), this.secret)
    this.secured = new Edge('secured', { dir: join(this.dir, 'secured'), secret: this.secret, relays: this.coturn.urls })
    await this.secured.start()
    return this.coturn
  }

  /** So many coturns, each announced by its turnctl. */
  async startFleet(relays: number): Promise<Fleet> {
    this.relayed = new Edge('relayed', { dir: join(this.dir, 'relayed'), nats: this.natsURL, secret: this.secret, relays: [] })
    this.fleet = new Fleet(join(this.dir, 'fleet'), this.natsURL, this.secret)
    await Promise.all([this.relayed.start(), this.fleet.start(relays)])
    return this.fleet
  }

  async killNATS(): Promise<void> {
    await this.nats.kill('SIGKILL')
  }

  async restartNATS(): Promise<void> {
    this.nats = startNATS(this.dir, new URL(this.natsURL).host)
    await this.nats.line(/^nats:\S+/)
  }

  async stop(): Promise<void> {
    await Promise.all([this.viaA.stop(), this.viaB.stop()])
    await Promise.all([this.a.kill(), this.b.kill(), this.alone.kill(), this.stranded.kill(), this.nats.kill('SIGKILL')])
    await Promise.all([this.secured?.kill(), this.coturn?.stop(), this.relayed?.kill(), this.fleet?.stop()])
    await rm(this.dir, { recursive: true, force: true })
  }

  log(): string {
    return [this.nats.log(), this.a.log(), this.b.log(), this.alone.log(), this.stranded.log(), this.secured?.log() ?? '', this.coturn?.log() ?? '', this.relayed?.log() ?? '', this.fleet?.log() ?? ''].join('\n')
  }
}

function startNATS(dir: string, listen: string): Program {
  return new Program('nats', binary('NATSNODE_BIN'), ['-data-dir', join(dir, 'nats'), '-listen', listen, '-name', 'e2e', '-until-stdin-ends'])
}
