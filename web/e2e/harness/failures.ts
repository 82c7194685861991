import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Long enough for what a test measured, short enough for ten of them on a screen. */
const MOST = 600

/** Says in a line each, as the last of all output, which tests failed and by what: of a long log often nothing but the end is kept. */
export default class Failures implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const error of module.errors()) this.say(module, '(the file)', error.message)
      for (const test of module.children.allTests('failed')) for (const { message } of test.result().errors ?? []) this.say(module, test, message)
    }
  }

  private say(module: TestModule, test: TestCase | string, message: string): void {
    const name = typeof test === 'string' ? test : test.fullName
    const plain = stripVTControlCharacters(message).replaceAll(/\s+/g, ' ')
    console.error(`failed: ${relative(process.cwd(), module.moduleId)}: ${name.slice(0, 60)}: ${plain.slice(0, MOST)}`)
  }
}
