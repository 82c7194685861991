import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/** Something that is done to the cluster while the call goes on. */
export interface Step {
  name: string
  command: [program: string, ...args: string[]]
  timeoutSeconds: number
  /** A relay that the call goes through may end: then media may pause until ICE has found another. */
  mayReplaceRelay: boolean
  /** For how long at most no picture or no sound may come. */
  maxGapSeconds: number
}

export interface Plan {
  /** Ada's page comes from the first, Bo's from the last. */
  edges: [string, ...string[]]
  trust?: string
  relayed: boolean
  steps: Step[]
  /** Where paths of the plan and of its commands begin. */
  base: string
}

/** What the environment says is to be done; throws if it says it wrongly. */
export async function readPlan(env: NodeJS.ProcessEnv): Promise<Plan> {
  const { CALL_EDGES = '', CALL_TRUST, CALL_STEPS = '', CALL_ICE = 'relay' } = env
  const [first, ...others] = CALL_EDGES.split(',').map((edge) => edge.trim()).filter(Boolean).map(origin)
  if (!first) throw new Error('CALL_EDGES is not set: the addresses of one edge or more, such as https://10.0.0.1:30443, with commas between')
  if (CALL_ICE !== 'relay' && CALL_ICE !== 'all') throw new Error(`CALL_ICE is ${CALL_ICE}, but must be relay or all`)
  if (!CALL_STEPS) throw new Error('CALL_STEPS is not set: the path of a JSON file with what is to be done during the call')
  // npm goes to the folder of package.json, and says where it was called.
  const base = env.INIT_CWD ?? process.cwd()
  const steps: unknown = JSON.parse(await readFile(resolve(base, CALL_STEPS), 'utf8'))
  if (!Array.isArray(steps) || steps.length === 0) throw new Error(`${CALL_STEPS} has no list of steps`)
  return { edges: [first, ...others], trust: CALL_TRUST || undefined, relayed: CALL_ICE === 'relay', steps: steps.map(step), base }
}

function origin(address: string): string {
  const { protocol, origin } = new URL(address)
  if (protocol !== 'https:' && protocol !== 'http:') throw new Error(`CALL_EDGES: ${address} is no address of a page`)
  return origin
}

const KEYS: Record<keyof Step, (value: unknown) => boolean> = {
  name: (value) => typeof value === 'string' && value !== '',
  command: (value) => Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string'),
  timeoutSeconds: isSpan,
  mayReplaceRelay: (value) => typeof value === 'boolean',
  maxGapSeconds: isSpan,
}

function step(given: unknown, index: number): Step {
  const where = `step ${index + 1}`
  if (typeof given !== 'object' || given === null) throw new Error(`${where} is no object`)
  const { mayReplaceRelay = false } = given as Partial<Step>
  const step = { timeoutSeconds: 300, mayReplaceRelay, maxGapSeconds: mayReplaceRelay ? 15 : 2, ...given } as Record<string, unknown>
  for (const key of Object.keys(step)) if (!(key in KEYS)) throw new Error(`${where} has a ${key}, which nobody knows`)
  for (const [key, good] of Object.entries(KEYS)) if (!good(step[key])) throw new Error(`${where}: ${key} is ${JSON.stringify(step[key])}`)
  return step as unknown as Step
}

function isSpan(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && Number.isFinite(value)
}
