// @vitest-environment node
import { expect, it } from 'vitest'
import { inFull } from './relayUrl'

// On the right as Chromium has them in its statistics.
it.each([
  ['turn:relay.test', 'turn:relay.test:3478?transport=udp'],
  ['turn:relay.test:3479', 'turn:relay.test:3479?transport=udp'],
  ['turn:relay.test?transport=tcp', 'turn:relay.test:3478?transport=tcp'],
  ['turns:relay.test', 'turns:relay.test:5349?transport=tcp'],
  ['TURNS:Relay.test:443?transport=TCP', 'turns:relay.test:443?transport=tcp'],
  ['turn:192.0.2.1', 'turn:192.0.2.1:3478?transport=udp'],
  ['turn:[2001:db8::1]', 'turn:[2001:db8::1]:3478?transport=udp'],
  ['turn:[2001:db8::1]:3479?transport=udp', 'turn:[2001:db8::1]:3479?transport=udp'],
  ['stun:relay.test', 'stun:relay.test'],
  ['nonsense', 'nonsense'],
])('%s is %s in full', (url, full) => {
  expect(inFull(url)).toBe(full)
})
