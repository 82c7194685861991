import { execFile } from 'node:child_process'
import { expect } from 'vitest'
import { binary, type Mesh } from './mesh'

/** What `probe report` says of real calls, as far as tests ask. */
interface Calls {
  records: number
  attempts: number
  connected?: number
  paths: string[]
}

interface Report {
  sources: { records: number; attempts: number; modes: { connected: number }[]; paths: { path: string }[] }[]
}

async function reported(mesh: Mesh): Promise<Calls> {
  const { PATH = '', HOME = '' } = process.env
  const args = ['report', '--nats-url', mesh.natsURL, '--source', 'call', '--output', 'json']
  const out = await new Promise<string>((resolve, reject) => {
    execFile(binary('PROBE_BIN'), args, { env: { PATH, HOME }, timeout: 60_000 }, (error, stdout, stderr) => {
      // 3: there is nothing to report yet.
      if (error && error.code !== 3) reject(new Error(`probe report: ${error.message}\n${stderr}`))
      else resolve(stdout)
    })
  })
  const [calls] = (JSON.parse(out) as Report).sources
  if (!calls) return { records: 0, attempts: 0, paths: [] }
  return { records: calls.records, attempts: calls.attempts, connected: calls.modes[0]?.connected, paths: calls.paths.map(({ path }) => path) }
}

/** What both pages of the one call that there was have told their edges stands in the report, as one attempt that went by that path. */
export async function expectReported(mesh: Mesh, path: 'direct' | 'relay'): Promise<void> {
  await expect.poll(() => reported(mesh), { message: 'what probe report says of calls', interval: 250 }).toEqual({ records: 2, attempts: 1, connected: 1, paths: [path] })
}
