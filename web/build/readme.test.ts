// @vitest-environment node
// What is told of the client library must be true of it: each sample in its README compiles, and all that it exports is described.
import { readFileSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const client = path('../src/client.ts')
const samples = [...readFileSync(path('../README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ''], index) => ({
  name: path(`../readme-sample-${index + 1}.ts`),
  code,
}))

let program: ts.Program
beforeAll(() => {
  const { config } = ts.readConfigFile(path('../tsconfig.json'), (name) => ts.sys.readFile(name)) as { config: unknown }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, path('..'))
  const host = ts.createCompilerHost(options)
  const code = (name: string) => samples.find((sample) => sample.name === name)?.code
  const { getSourceFile, fileExists } = host
  host.getSourceFile = (name, language) => {
    const text = code(name)
    return text === undefined ? getSourceFile(name, language) : ts.createSourceFile(name, text, language)
  }
  host.fileExists = (name) => code(name) !== undefined || fileExists(name)
  program = ts.createProgram([client, ...samples.map(({ name }) => name)], { ...options, paths: { callmesh: [client] } }, host)
}, 60_000)

describe('the README of the library', () => {
  it('has samples', () => expect(samples.length).toBeGreaterThanOrEqual(4))

  it.each(samples.map(({ name }, index) => [index + 1, name] as const))('has a sample %i that compiles', (_, name) => {
    const file = program.getSourceFile(name)
    const faults = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
  }, 60_000)
})

it('describes all that the library exports, and each method of its classes', () => {
  const checker = program.getTypeChecker()
  const described = (symbol: ts.Symbol) => symbol.getDocumentationComment(checker).length > 0
  const ours = ({ valueDeclaration: it }: ts.Symbol) =>
    it !== undefined && it.getSourceFile().fileName.includes('/web/src/') && !(ts.getCombinedModifierFlags(it) & ts.ModifierFlags.Private)
  const module = checker.getSymbolAtLocation(program.getSourceFile(client)!)!
  const bare = checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    const members = symbol.flags & ts.SymbolFlags.Class ? checker.getDeclaredTypeOfSymbol(symbol).getProperties() : []
    const methods = members.filter((member) => member.flags & ts.SymbolFlags.Method && ours(member) && !described(member))
    return [...(described(symbol) ? [] : [symbol.name]), ...methods.map(({ name }) => `${symbol.name}.${name}`)]
  })
  expect(bare).toEqual([])
}, 60_000)
