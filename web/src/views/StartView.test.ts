import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { flushPromises, mount } from '@vue/test-utils'
import { paths } from '@/components/componenttest/mounted'
import { madeRoom } from '@/call/rights/made'
import { secretOf } from '@/composables/madeRooms'
import { useName } from '@/composables/useName'
import { createWords } from '@/i18n'
import StartView from './StartView.vue'

function edge(guests: boolean): void {
  vi.stubGlobal('fetch', async () => Response.json({ guests, region: 'eu', version: '1' }))
}

async function start(path = '/') {
  const router = paths()
  await router.push(path)
  const view = mount(StartView, { attachTo: document.body, global: { plugins: [createWords('en'), router] } })
  await flushPromises()
  return { view, path: () => router.currentRoute.value.path, room: () => router.currentRoute.value.params.room }
}

describe('the start', () => {
  beforeEach(() => {
    localStorage.clear()
    useName().value = ''
    edge(true)
  })
  afterEach(() => vi.unstubAllGlobals())

  it('says at once that guests are not let in, and what to do, to those alone whom it concerns', async () => {
    const notice = '[data-problem="guests"]'
    expect((await start()).view.find(notice).exists()).toBe(false)
    edge(false)
    const { view } = await start()
    expect(view.get(notice).text()).toContain('takes no guests')
    expect(view.get(notice).text()).toContain('Ask its operator for a link that signs you in')
    localStorage.setItem('callmesh.token', JSON.stringify({ token: 'given', name: null, expiresAt: Date.now() + 3_600_000 }))
    expect((await start()).view.find(notice).exists()).toBe(false)
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')))
    localStorage.clear()
    expect((await start()).view.find(notice).exists()).toBe(false)
  })

  it('opens a new room for somebody with a name', async () => {
    const { view, path, room } = await start()
    await view.get('.new').trigger('submit')
    await flushPromises()
    expect(path()).toBe('/')
    expect(view.get('[role="alert"]').text()).toContain('Type a name first')
    await view.get('[data-testid="name"]').setValue('Ada')
    await view.get('.new').trigger('submit')
    // Whose secret this browser keeps, so that it moderates the room.
    await vi.waitFor(() => expect(room()).toMatch(/^m-[a-z2-7]{26}$/))
    expect(await madeRoom(secretOf(room() as string) ?? '')).toBe(room())
  })

  it('joins by link or name', async () => {
    const { view, room } = await start()
    await view.get('[data-testid="room"]').setValue('周会 / 一组')
    await view.get('.join').trigger('submit')
    await flushPromises()
    expect(room()).toBe('周会 / 一组')
  })

  it('says what was wrong with the link that led here, and believes no other words', async () => {
    expect((await start('/?problem=tooLong')).view.get('#room-problem').text()).toMatch(/^That name is too long/)
    for (const made of ['foreign', 'empty', 'constructor', '<b>x</b>']) expect((await start(`/?problem=${made}`)).view.find('#room-problem').exists()).toBe(false)
  })

  it('says what is wrong with a link, and where', async () => {
    const { view, path } = await start()
    await view.get('[data-testid="room"]').setValue('https://other.example/r/x')
    await view.get('.join').trigger('submit')
    await flushPromises()
    expect(path()).toBe('/')
    expect(view.get('#room-problem').text()).toContain('other.example')
    expect(document.activeElement).toBe(view.get('[data-testid="room"]').element)
    view.unmount()
  })

  it('lists recent rooms and forgets them', async () => {
    localStorage.setItem('callmesh.rooms', JSON.stringify([{ room: 'a/b', at: Date.now() }]))
    const { view } = await start()
    expect(view.get('.recent a').attributes('href')).toBe('/r/a%2Fb')
    await view.get('.recent button').trigger('click')
    expect(view.find('.recent').exists()).toBe(false)
  })
})
