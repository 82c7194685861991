import type { CallError } from '@/call/state'
import type { MessageKey } from '@/i18n/en'

/** The step at which it failed, in words, and what to try. */
export interface FailWords {
  title: MessageKey
  how: MessageKey
  /** Whether trying again from here can help. */
  again: boolean
}

const WORDS: Record<string, FailWords> = {
  bad_token: { title: 'fail.bad_token', how: 'fail.bad_token.how', again: true },
  unauthorized: { title: 'fail.bad_token', how: 'fail.bad_token.how', again: true },
  forbidden: { title: 'fail.forbidden', how: 'fail.forbidden.how', again: true },
  kicked: { title: 'rooms.kicked', how: 'rooms.kicked.how', again: true },
  guests: { title: 'fail.guests', how: 'fail.guests.how', again: false },
  no_webrtc: { title: 'fail.noWebRTC', how: 'fail.noWebRTC.how', again: false },
  protocol: { title: 'fail.protocol', how: 'fail.protocol.how', again: true },
  elsewhere: { title: 'fail.elsewhere', how: 'fail.elsewhere.how', again: true },
  room_full: { title: 'fail.room_full', how: 'fail.room_full.how', again: true },
  rate_limited: { title: 'fail.rate_limited', how: 'fail.rate_limited.how', again: true },
  bad_request: { title: 'fail.bad_request', how: 'fail.bad_request.how', again: false },
  unavailable: { title: 'fail.unavailable', how: 'fail.unavailable.how', again: true },
  internal: { title: 'fail.unavailable', how: 'fail.unavailable.how', again: true },
}

export function failWords({ code }: CallError): FailWords {
  return WORDS[code] ?? { title: 'fail.other', how: 'fail.other.how', again: true }
}
