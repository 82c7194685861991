// A call through edges and relays that run already, while things are done to them. CONTRIBUTING.md says how it is told of them.
import { fileURLToPath, URL } from 'node:url'
import { afterAll, beforeAll, test } from 'vitest'
import { TestBrowser } from '../harness/browser'
import { run } from './command'
import { readPlan, type Step } from './plan'
import { table } from './table'
import { Walker, type Outcome } from './walker'

const PICTURES = fileURLToPath(new URL('../artefacts/cluster/', import.meta.url))
/** What all others are to be measured by. */
const NOTHING: Step = { name: 'nothing', command: ['sleep', '5'], timeoutSeconds: 10, mayReplaceRelay: false, maxGapSeconds: 2 }
/** For settling, on a busy machine. */
const AROUND_MS = 180_000

const plan = await readPlan(process.env)
const rows: { step: Step; tookMs: number; outcomes: Outcome[] }[] = []
let browser: TestBrowser
let pair: [ada: Walker, bo: Walker]
/** Since when there is no call that a step could be tried on. */
let lostIn: string | null = 'the beginning'

beforeAll(async () => {
  browser = await TestBrowser.start({ trust: plan.trust })
})

test(`Ada at ${plan.edges[0]} and Bo at ${plan.edges.at(-1)} meet`, async () => {
  const room = `walk-${Date.now().toString(36)}`
  const [ada, bo] = (pair = await Promise.all([Walker.arrive(browser, plan, 'Ada', 'Bo'), Walker.arrive(browser, plan, 'Bo', 'Ada')]))
  await Promise.all([ada.enter(room), bo.enter(room)])
  await Promise.all([ada.begin(), bo.begin()])
  lostIn = null
})

afterAll(async () => {
  if (rows.length) console.log(`\n${table(rows)}\n`)
  if (rows.some(({ outcomes }) => outcomes.some(({ faults }) => faults.length)) && pair) {
    console.error(pair.map(({ visitor }) => visitor.log()).join('\n'))
    console.error((await Promise.all(pair.map(({ visitor }) => visitor.flows()))).join('\n'))
  }
  await Promise.all(pair?.map((walker) => walker.end()) ?? [])
  await browser?.close()
})

for (const [index, step] of [NOTHING, ...plan.steps].entries()) {
  test(`${step.name}, and the call goes on`, { timeout: (step.timeoutSeconds + step.maxGapSeconds) * 1_000 + AROUND_MS }, async () => {
    if (lostIn !== null) throw new Error(`the call has been broken since “${lostIn}”`)
    const from = Date.now()
    const failed = await run(step, plan.base)
    const tookMs = Date.now() - from
    const [ada, bo] = pair
    const silent = await Promise.all(pair.map((walker) => walker.rest()))
    const unsettled = [...silent, ...(await Promise.all([ada.settle(step, bo), bo.settle(step, ada)]))].flat()
    // The next would only fail by what was broken before.
    if (unsettled.length) lostIn = step.name
    const outcomes = await Promise.all([ada.outcome(step, bo), bo.outcome(step, ada)])
    rows.push({ step, tookMs, outcomes })
    for (const path of await Promise.all(pair.map((walker) => walker.path()))) console.log(`${step.name} | ${path}`)
    await Promise.all(pair.map((walker) => walker.picture(PICTURES, `${index}-${step.name.replaceAll(/\W+/g, '-')}`)))
    const faults = [failed, ...outcomes.flatMap(({ faults }) => faults), ...unsettled].filter((fault) => fault !== null)
    if (faults.length) throw new Error(faults.join('\n'))
  })
}
