import { describe, expect, it, vi } from 'vitest'
import { listenForInstall, useInstall } from './useInstall'

describe('installing the page', () => {
  it('is offered once the browser offers it, asked for once, and over when done', async () => {
    listenForInstall(window)
    const { way, install } = useInstall()
    expect(way.value).toBeNull()

    const prompt = vi.fn(() => Promise.resolve())
    const event = Object.assign(new Event('beforeinstallprompt', { cancelable: true }), { prompt })
    window.dispatchEvent(event)
    expect(event.defaultPrevented, 'no banner over a call').toBe(true)
    expect(way.value).toBe('ask')
    await install()
    await install()
    expect(prompt).toHaveBeenCalledOnce()
    expect(way.value).toBeNull()

    window.dispatchEvent(Object.assign(new Event('beforeinstallprompt'), { prompt }))
    window.dispatchEvent(new Event('appinstalled'))
    expect(way.value).toBeNull()
  })
})
