import { createServer, connect, type Server, type Socket } from 'node:net'
import type { Edge } from './mesh'

/**
 * One address for several edges, as a load balancer gives it: every connection goes to the first of them that is ready, as bytes, and stays there
 * until one of its ends lets go.
 */
export class Front {
  readonly name: string
  private readonly edges: Edge[]
  private readonly server: Server = createServer()
  private readonly pairs = new Set<{ down: Socket; up: Socket }>()
  private stalled = false

  constructor(name: string, edges: Edge[]) {
    this.name = name
    this.edges = edges
    this.server.on('connection', (down) => void this.pass(down))
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.server.once('error', reject).listen(0, '127.0.0.1', resolve))
  }

  get origin(): string {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the front has been stopped')
    return `http://127.0.0.1:${address.port}`
  }

  /** From now on nothing comes down any more through the connections there are, as to a reader who has stopped reading; or it goes on. */
  stall(stalled: boolean): void {
    this.stalled = stalled
    for (const { up } of this.pairs) {
      if (stalled) up.pause()
      else up.resume()
    }
  }

  async stop(): Promise<void> {
    for (const { down, up } of this.pairs) {
      down.destroy()
      up.destroy()
    }
    await new Promise((resolve) => this.server.close(resolve))
  }

  private async pass(down: Socket): Promise<void> {
    down.on('error', () => undefined)
    const edge = await this.ready()
    if (!edge || down.destroyed) {
      down.destroy()
      return
    }
    const { hostname, port } = new URL(edge.origin)
    const up = connect(Number(port), hostname)
    const pair = { down, up }
    this.pairs.add(pair)
    up.on('error', () => undefined)
    up.on('data', (bytes) => {
      if (!down.write(bytes)) up.pause()
    })
    down.on('drain', () => {
      if (!this.stalled) up.resume()
    })
    down.pipe(up)
    up.on('end', () => down.end())
    up.on('close', () => down.destroySoon())
    down.on('close', () => {
      this.pairs.delete(pair)
      up.destroy()
    })
  }

  private async ready(): Promise<Edge | null> {
    for (const edge of this.edges) if (await edge.ready()) return edge
    return null
  }
}
