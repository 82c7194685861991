// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { handling, worthKeeping } from './requests'

const HERE = 'https://call.example'
const of = (path: string, more: { method?: string; mode?: string } = {}) =>
  handling({ method: 'GET', mode: 'cors', url: path.startsWith('/') ? HERE + path : path, ...more }, HERE)

describe('the service worker', () => {
  it('never touches the mesh, whatever it is asked as', () => {
    for (const path of ['/v1/config', '/v1/ws', '/v1/guest', '/v1', '/livez', '/readyz', '/metrics']) {
      expect(of(path)).toBe('pass')
      expect(of(path, { mode: 'navigate' })).toBe('pass')
    }
  })

  it('touches no other origin and nothing but reads', () => {
    expect(of('https://elsewhere.example/assets/a.js')).toBe('pass')
    expect(of('/assets/a.js', { method: 'POST' })).toBe('pass')
    expect(of('/r/tea', { mode: 'navigate', method: 'POST' })).toBe('pass')
  })

  it('answers for the page at each of its paths, and for its files', () => {
    for (const path of ['/', '/r/tea', '/r/v1', '/library?q=1']) expect(of(path, { mode: 'navigate' })).toBe('page')
    for (const path of ['/assets/index-abc.js', '/favicon.svg', '/icons/icon-192.png', '/manifest.json']) expect(of(path)).toBe('asset')
    expect(of('/sw.js')).toBe('pass')
  })

  it('keeps what is small', () => {
    expect(worthKeeping(`${HERE}/assets/CheckDialog-abc.js`)).toBe(true)
    expect(worthKeeping(`${HERE}/assets/CheckDialog-abc.css`)).toBe(true)
    expect(worthKeeping(`${HERE}/assets/model-abc.wasm`)).toBe(false)
    expect(worthKeeping(`${HERE}/icons/icon-512.png`)).toBe(false)
  })
})
