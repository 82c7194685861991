import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, h, shallowRef } from 'vue'
import type { Showing } from '@/call/showing'
import { coveringLines, provideShowing, useShownLines } from './useShownLines'

describe('the lines of a picture that covers its tile', () => {
  it.each([
    ['of the same shape', { width: 640, height: 360 }, 1, 360],
    ['cut off at the sides', { width: 360, height: 640 }, 1, 640],
    ['cut off above and below', { width: 640, height: 100 }, 1, 360],
    ['on a screen of fine pixels', { width: 320, height: 180 }, 3, 540],
    ['of no size', { width: 0, height: 0 }, 2, 0],
  ])('%s', (_, box, ratio, lines) => {
    expect(coveringLines(box, { width: 1_280, height: 720 }, ratio)).toBe(lines)
  })

  it('are guessed before there is a picture', () => {
    expect(coveringLines({ width: 160, height: 10 }, { width: 0, height: 0 }, 1)).toBe(90)
  })
})

describe('a tile', () => {
  let visibility: DocumentVisibilityState = 'visible'
  beforeEach(() => {
    vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visibility)
  })
  const look = (now: DocumentVisibilityState) => {
    visibility = now
    document.dispatchEvent(new Event('visibilitychange'))
  }

  const told = new Map<string, number | null>()
  const view = (peer: string) => {
    told.set(peer, 0)
    return { set: (lines: number) => void told.set(peer, lines), end: () => void told.set(peer, null) }
  }
  const peer = shallowRef('bo')
  const Tile = defineComponent(() => {
    const video = shallowRef<HTMLVideoElement | null>(null)
    useShownLines(video, () => peer.value)
    return () => h('video', { ref: video })
  })
  const Page = defineComponent(() => {
    provideShowing({ view } as unknown as Showing)
    return () => h(Tile)
  })

  afterEach(() => {
    told.clear()
    look('visible')
  })

  it('tells what it shows, nothing while nobody can see it, and lets go of who is not shown any more', async () => {
    vi.spyOn(HTMLVideoElement.prototype, 'getBoundingClientRect').mockReturnValue({ width: 320, height: 180 } as DOMRect)
    const page = mount(Page)
    await page.vm.$nextTick()
    expect(told.get('bo')).toBe(180)
    look('hidden')
    expect(told.get('bo')).toBe(0)
    // The browser's own small window is seen all the same.
    const float = Object.assign(new EventTarget(), { width: 640, height: 360 })
    const { element } = page.find('video')
    element.dispatchEvent(Object.assign(new Event('enterpictureinpicture'), { pictureInPictureWindow: float }))
    expect(told.get('bo')).toBe(360)
    element.dispatchEvent(new Event('leavepictureinpicture'))
    expect(told.get('bo')).toBe(0)
    look('visible')
    expect(told.get('bo')).toBe(180)
    peer.value = 'cy'
    await page.vm.$nextTick()
    expect([...told]).toEqual([['bo', null], ['cy', 180]])
    page.unmount()
    look('hidden')
    expect([...told]).toEqual([['bo', null], ['cy', null]])
  })
})
