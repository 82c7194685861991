import { describe, expect, it, vi } from 'vitest'
import CallTile, { type TilePerson } from './CallTile.vue'
import { mounted } from './componenttest/mounted'

const bo: TilePerson = {
  peer: 'p1', user: 'u1', name: 'Bo', self: false, camera: null, microphoneOn: true, speaking: false,
  link: 'connected', path: { kind: 'relay', direct: false, protocol: 'udp', rttMs: 38, relayRegion: 'eu' },
}
const tile = (more: Partial<TilePerson> = {}, language: 'en' | 'zh' = 'en') => mounted(CallTile, { person: { ...bo, ...more } }, { language })

describe('a tile', () => {
  it('says who it is and which way the media goes', () => {
    const view = tile()
    expect(view.attributes()).toMatchObject({ 'data-peer': 'p1', 'data-self': 'false', 'data-link': 'connected', 'aria-label': 'Bo' })
    const badge = view.get('[data-testid="badge"]')
    expect(badge.attributes()).toMatchObject({ 'data-kind': 'relay', title: 'This call goes through a relay in eu (38 ms).' })
    expect(badge.text()).toContain('Through a relay in eu · 38 ms')
    expect(tile({}, 'zh').get('[data-testid="badge"]').text()).toContain('经 eu 的中继 · 38 毫秒')
  })

  it('shows no path that may be out of date', () => {
    expect(tile({ link: 'reconnecting' }).find('[data-testid="badge"]').exists()).toBe(false)
    expect(tile({ path: null }).find('[data-testid="badge"]').exists()).toBe(false)
  })

  it.each([
    ['new', 'Looking for a path to Bo…'],
    ['connecting', 'Looking for a path to Bo…'],
    ['reconnecting', 'The path to Bo broke. Looking for another one…'],
    ['failed', 'No path to Bo was found'],
  ] as const)('tells in words that it is %s', (link, words) => {
    expect(tile({ link, path: null }).get('[role="status"]').text()).toContain(words)
  })

  it('lets the reader try again after a failure', async () => {
    const view = tile({ link: 'failed', path: null })
    await view.get('button').trigger('click')
    expect(view.emitted('retry')).toHaveLength(1)
  })

  it('stands for a person without a picture, and says that a microphone is off', () => {
    const view = tile({ microphoneOn: false })
    expect(view.find('video').exists()).toBe(false)
    expect(view.get('.disc').text()).toBe('B')
    expect(view.text()).toContain('Microphone off')
  })

  it('mirrors our own picture only, and never plays it aloud', () => {
    const camera = document.createElement('canvas').captureStream().getVideoTracks()[0]!
    const own = tile({ self: true, link: null, path: null, camera }).get('video')
    expect(own.classes()).toContain('mirrored')
    expect(own.attributes('data-testid')).toBe('own-video')
    const other = tile({ camera }).get('video')
    expect(other.classes()).not.toContain('mirrored')
    expect(other.attributes('data-testid')).toBe('remote-video')
  })

  it('does not look for a path without an end: after a while it says what to do', async () => {
    vi.useFakeTimers()
    const view = tile({ link: 'connecting', path: null })
    await vi.advanceTimersByTimeAsync(19_000)
    expect(view.text()).toContain('Looking for a path to Bo')
    expect(view.find('.state button').exists()).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(view.text()).toContain('Still no path to Bo')
    await view.get('.state button').trigger('click')
    expect(view.emitted('retry')).toHaveLength(1)
    await view.setProps({ person: { ...bo, link: 'connected' } })
    expect(view.find('.state').exists()).toBe(false)
    vi.useRealTimers()
  })

  it('explains the path to whoever has no pointer to rest on it', async () => {
    const badge = tile().get('[data-testid="badge"]')
    expect(badge.element.tagName).toBe('BUTTON')
    await badge.trigger('click')
    expect(badge.attributes('aria-expanded')).toBe('true')
    expect(badge.text()).toBe('This call goes through a relay in eu (38 ms).')
    await badge.trigger('click')
    expect(badge.attributes('aria-expanded')).toBe('false')
  })
})
