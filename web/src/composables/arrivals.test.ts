import { afterEach, describe, expect, it } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { arrival, arrivalGuard, readArrival } from './arrivals'

afterEach(() => (arrival.value = null))

describe('what a link brings', () => {
  it.each([
    ['#invite=abc.def', { kind: 'invite', code: 'abc.def' }],
    ['#move=eu.code.key', { kind: 'move', code: 'eu.code', key: 'key' }],
    ['#move=nonsense', { kind: 'broken' }],
    [`#invite=${'x'.repeat(2_000)}`, { kind: 'broken' }],
    ['#other', null],
    ['', null],
  ])('%s', (hash, brought) => expect(readArrival(hash)).toEqual(brought))

  it('leads to the page where it is decided, and leaves the address', async () => {
    const nothing = { template: '<i />' }
    const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: nothing }, { path: '/people', component: nothing }] })
    router.beforeEach(arrivalGuard)
    await router.push('/#invite=code')
    expect(router.currentRoute.value.fullPath).toBe('/people')
    expect(arrival.value).toEqual({ kind: 'invite', code: 'code' })
    await router.push('/#chapter')
    expect(router.currentRoute.value.fullPath).toBe('/#chapter')
  })
})
