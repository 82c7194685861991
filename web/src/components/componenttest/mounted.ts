// For tests: mounts a component with the page's words, and makes the values that components show.
import { mount, type ComponentMountingOptions } from '@vue/test-utils'
import { vi } from 'vitest'
import type { Component } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import type { PeerView, RoomSnapshot } from '@/call/state'
import type { DeviceControls } from '@/composables/useLocalMedia'
import { createWords, type Language } from '@/i18n'
import type { LocalMedia, MediaSnapshot } from '@/media/devices'
import { USUAL_SOUND } from '@/media/noise/settings'

/** A router that goes nowhere but knows the page's paths. */
export function paths() {
  const nothing = { template: '<i />' }
  return createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/', component: nothing },
      { path: '/r/:room', component: nothing },
      { path: '/people', component: nothing },
      { path: '/library', component: nothing },
    ],
  })
}

export function mounted(component: Component, props: Record<string, unknown>, more: ComponentMountingOptions<Component> & { language?: Language } = {}) {
  const { language = 'en', ...options } = more
  return mount(component, {
    props,
    attachTo: document.body,
    global: { plugins: [createWords(language), paths()] },
    ...options,
  })
}

type Sources = 'microphone' | 'camera' | 'screen'
type DevicesPart = { [source in Sources]?: Partial<MediaSnapshot[source]> } & Partial<Omit<MediaSnapshot, Sources>>

export function devicesView(more: DevicesPart = {}): MediaSnapshot {
  const off = { state: 'off', problem: null, deviceId: null, label: '', track: null, permission: 'granted' } as const
  const { microphone, camera, screen, ...rest } = more
  return {
    microphones: [],
    cameras: [],
    speakers: [],
    speakerId: null,
    sound: USUAL_SOUND,
    canShareScreen: true,
    ...rest,
    microphone: { ...off, ...microphone },
    camera: { ...off, ...camera },
    screen: { ...off, ...screen },
  }
}

export function deviceControls() {
  const done = () => vi.fn(() => Promise.resolve())
  return {
    setMicrophone: done(),
    setCamera: done(),
    startScreen: done(),
    stopScreen: done(),
    selectMicrophone: done(),
    selectCamera: done(),
    selectSpeaker: vi.fn(),
    setSound: done(),
    onLevel: vi.fn(() => () => undefined),
    onVoiceWhileMuted: vi.fn(() => () => undefined),
  } satisfies DeviceControls & Pick<LocalMedia, 'onVoiceWhileMuted'>
}

export function peerView(name: string, more: Partial<PeerView> = {}): PeerView {
  return {
    peer: `p-${name}`,
    user: { id: `u-${name}`, name },
    region: 'eu',
    link: 'connected',
    path: { kind: 'host', direct: true, protocol: 'udp', rttMs: 12 },
    sends: { microphone: true, camera: false, screen: false, screenSound: false },
    status: { hand: false, recording: false },
    microphone: null,
    camera: null,
    screen: null,
    screenSound: null,
    speaking: false,
    level: 0,
    ...more,
  }
}

export function roomView(more: Partial<RoomSnapshot> = {}): RoomSnapshot {
  return {
    room: 'standup',
    signal: 'open',
    self: { peer: 'me', user: { id: 'u-me', name: 'Sam' }, region: 'eu', edge: 'e1' },
    joined: true,
    sends: { microphone: true, camera: true, screen: false, screenSound: false },
    status: { hand: false, recording: false },
    peers: [],
    chat: [],
    earlier: 'none',
    files: [],
    error: null,
    ...more,
  }
}
