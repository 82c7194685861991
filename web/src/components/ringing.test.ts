import { afterEach, describe, expect, it } from 'vitest'
import type { IncomingCall, OutgoingCall } from '@/call/ringing/state'
import type { HeldScreen } from '@/media/screenAhead'
import { mounted } from './componenttest/mounted'
import IncomingCalls from './IncomingCalls.vue'
import OutgoingCallView from './OutgoingCall.vue'

let view: ReturnType<typeof mounted>
afterEach(() => view.unmount())

const ring = (more: Partial<IncomingCall> = {}): IncomingCall => ({ call: 'c1', from: { id: 'bo', name: 'Bo' }, media: 'video', at: 0, answering: false, ...more })
const incoming = (calls: IncomingCall[], busy = false, known = true) => (view = mounted(IncomingCalls, { calls, busy, known: () => known }))
const click = (id: string) => view.get(`[data-testid="${id}"]`).trigger('click')

describe('an incoming call', () => {
  it('says who calls and how, and is answered in three ways', async () => {
    incoming([ring()])
    expect(view.text()).toContain('Bo')
    expect(view.text()).toContain('Video call')
    expect(view.get('dialog').attributes('role')).toBe('alertdialog')
    for (const id of ['accept-video', 'accept-audio', 'decline']) await click(id)
    expect(view.emitted('accept')).toEqual([['c1', 'video'], ['c1', 'audio']])
    expect(view.emitted('decline')).toEqual([['c1']])
  })

  it('that is to show a screen says so', () => {
    incoming([ring({ media: 'screen' })])
    expect(view.text()).toContain('Wants to show you their screen')
  })

  it('has the focus, but on no button, since a key pressed by chance must answer nothing', () => {
    incoming([ring()])
    expect(document.activeElement).toBe(view.get('dialog').element)
  })

  it('says that a stranger is one, and lets them be blocked', async () => {
    incoming([ring()])
    expect(view.find('[data-testid="block-caller"]').exists()).toBe(false)
    view.unmount()
    incoming([ring()], false, false)
    expect(view.text()).toContain('Not one of your contacts')
    await click('block-caller')
    expect(view.emitted('block')).toEqual([['c1', 'bo']])
  })

  it('leaves whoever writes in a call where they write', () => {
    const field = document.body.appendChild(document.createElement('textarea'))
    field.focus()
    incoming([ring()], true)
    expect(document.activeElement).toBe(field)
    expect(view.text()).toContain('Accepting ends the call that you are in.')
    expect(view.get('[data-testid="decline"]').text()).toBe('I am in another call')
    field.remove()
  })

  it('is one of several, and takes no second answer', () => {
    incoming([ring({ answering: true }), ring({ call: 'c2', from: { id: 'cy', name: '<b>Cy</b>' }, media: 'audio' })])
    expect(view.text()).toContain('2 incoming calls')
    const [first, second] = view.findAll('[data-testid="ring"]')
    expect(first!.findAll('button').every((button) => button.attributes('disabled') !== undefined)).toBe(true)
    expect(second!.text()).toContain('<b>Cy</b>')
    expect(second!.findAll('button').some((button) => button.attributes('disabled') !== undefined)).toBe(false)
  })
})

describe('an outgoing call', () => {
  const out = (state: OutgoingCall['state'], media: OutgoingCall['media'] = 'audio', screen: HeldScreen = 'none') =>
    (view = mounted(OutgoingCallView, { call: { call: 'c1', to: { id: 'bo', name: 'Bo' }, media, state, at: 0 } satisfies OutgoingCall, screen }))

  it('that shows a screen says who sees it when, and when nobody does', () => {
    out('ringing', 'screen', 'chosen')
    expect(view.get('[data-testid="outgoing-screen"]').text()).toContain('Bo sees the screen that you have chosen once they answer')
    view.unmount()
    out('ringing', 'screen', 'ended')
    expect(view.get('[data-testid="outgoing-screen"]').text()).toContain('You have stopped sharing')
    view.unmount()
    out('declined', 'screen')
    expect(view.find('[data-testid="outgoing-screen"]').exists()).toBe(false)
  })

  it.each<[OutgoingCall['state'], string]>([
    ['declined', 'Bo declined'],
    ['busy', 'Bo is in another call'],
    ['unanswered', 'Bo did not answer'],
    ['offline', 'Bo is not online'],
    ['failed', 'The call to Bo did not go through'],
  ])('that is %s says so, and can be made again', async (state, words) => {
    out(state)
    expect(view.get('h2').text()).toBe(words)
    await click('call-again')
    await click('close-call')
    expect(view.emitted('again')).toHaveLength(1)
    expect(view.emitted('cancel')).toHaveLength(1)
  })

  it.each<[OutgoingCall['state'], string]>([
    ['calling', 'Calling Bo…'],
    ['ringing', 'Ringing at Bo…'],
  ])('that is %s can be given up, also by Escape', async (state, words) => {
    out(state)
    expect(view.get('h2').text()).toBe(words)
    await click('cancel-call')
    await view.get('dialog').trigger('cancel')
    expect(view.emitted('cancel')).toHaveLength(2)
  })
})
