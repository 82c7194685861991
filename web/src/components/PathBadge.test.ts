import { describe, expect, it } from 'vitest'
import { mounted } from './componenttest/mounted'
import PathBadge from './PathBadge.vue'

const path = { kind: 'srflx', direct: true, protocol: 'udp', rttMs: 12 }
const figures = ['0.3 % lost', 'picture 640 × 480']
const badge = (props: Record<string, unknown> = {}) => mounted(PathBadge, { path, name: 'Bo', figures, ...props })
const LONG = 'This call goes directly between you and Bo (12 ms).'

describe('a path badge', () => {
  it('reads all that is known aloud, and shows the path alone until it is asked', async () => {
    const view = badge()
    expect(view.get('.aside').text()).toBe(`${LONG} 0.3 % lost picture 640 × 480`)
    expect(view.attributes('title')).toBe(`${LONG}\n0.3 % lost\npicture 640 × 480`)
    expect(view.findAll('[aria-hidden="true"]').map((part) => part.text())).toContain('Direct · 12 ms')
    // Shown by the style sheet where a pointer or the focus is.
    expect(view.get('.more').text()).toBe('· 0.3 % lost · picture 640 × 480')
    await view.trigger('click')
    expect(view.get('.told').text()).toBe(`${LONG}0.3 % lost · picture 640 × 480`)
    expect(view.find('.aside').exists()).toBe(false)
    await view.trigger('keydown', { key: 'Escape' })
    expect(view.attributes('aria-expanded')).toBe('false')
  })

  it('says it in fewer words where a tile is small', async () => {
    const view = badge({ small: true })
    await view.trigger('click')
    expect(view.get('.told').text()).toBe('Direct · 12 ms0.3 % lost · picture 640 × 480')
  })

  it('shows the path while nothing more is known', () => {
    const view = badge({ figures: [] })
    expect(view.get('.aside').text()).toBe(LONG)
    expect(view.find('.more').exists()).toBe(false)
  })
})
