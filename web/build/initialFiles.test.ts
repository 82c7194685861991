// @vitest-environment node
import { expect, it } from 'vitest'
import { gzipBytes, initialChunks, type BuiltChunk } from './initialFiles'

const chunk = (fileName: string, imports: string[] = [], code = fileName): BuiltChunk => ({ fileName, code, imports, isEntry: false })

it('counts the entry and what it imports, each once, and nothing that is loaded when used', () => {
  const chunks = [chunk('main.js', ['vue.js', 'call.js']), chunk('call.js', ['vue.js', 'main.js']), chunk('vue.js'), chunk('check.js', ['vue.js'])]
  expect(initialChunks('main.js', chunks).map(({ fileName }) => fileName)).toEqual(['main.js', 'vue.js', 'call.js'])
})

it('counts compressed bytes', () => {
  const even = gzipBytes([{ code: 'a'.repeat(100_000) }])
  expect(even).toBeLessThan(1_000)
  expect(gzipBytes([{ code: 'a' }, { code: 'b' }])).toBe(gzipBytes([{ code: 'a' }]) + gzipBytes([{ code: 'b' }]))
})
