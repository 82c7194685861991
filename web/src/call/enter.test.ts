// @vitest-environment node
import { afterEach, expect, it, vi } from 'vitest'
import { enterRoom } from './enter'

afterEach(() => vi.unstubAllGlobals())

it('touches no device, and listens for none, for an edge whose address is none', async () => {
  const mediaDevices = { addEventListener: vi.fn(), enumerateDevices: vi.fn(() => Promise.resolve([])) }
  vi.stubGlobal('navigator', { mediaDevices })
  await expect(enterRoom({ edge: 'edge.example.org', room: 'lobby', token: async () => 't' })).rejects.toThrow(TypeError)
  expect(mediaDevices.addEventListener).not.toHaveBeenCalled()
  expect(mediaDevices.enumerateDevices).not.toHaveBeenCalled()
})
