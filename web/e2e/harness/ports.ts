import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const given = new Set<number>()

/**
 * A free port of 127.0.0.1, for TCP and UDP, that nobody takes by chance while its program is not up yet, or is down for a moment: Linux gives 32768 to 60999
 * to who asks for any.
 */
export async function quietPort(): Promise<number> {
  for (let i = 0; i < 100; i++) {
    const port = randomInt(20_000, 32_768)
    if (given.has(port)) continue
    given.add(port)
    if ((await freeTCP(port)) && (await freeUDP(port))) return port
  }
  throw new Error('of a hundred ports between 20000 and 32767 none is free')
}

function freeTCP(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function freeUDP(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').on('error', () => socket.close(() => resolve(false)))
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
  })
}
