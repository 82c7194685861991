import { shallowRef, watch } from 'vue'
import type { RoomSnapshot } from '@/call/state'
import { announce } from './announcer'
import type { CallFeatureMaker } from './callFeature'
import type { Notice } from './callNotices'
import { useWords } from './useWords'

/** Names that a notice has room for. */
const MAX_NAMES = 8

/** The raised hands of a room by peer id, ours as '', in the order in which they were seen to rise. */
export function handsOf(before: readonly string[], { status, peers }: Pick<RoomSnapshot, 'status' | 'peers'>): string[] {
  const up = [...(status.hand ? [''] : []), ...peers.filter((peer) => peer.status.hand).map(({ peer }) => peer)]
  return [...before.filter((id) => up.includes(id)), ...up.filter((id) => !before.includes(id))]
}

/** Who wants to speak raises a hand, and everybody sees in which order. */
export const handFeature: CallFeatureMaker = ({ call, room }) => {
  const { say, language } = useWords()
  const hands = shallowRef<string[]>([])
  const nameOf = (id: string) => (id === '' ? say('call.you') : room().peers.find(({ peer }) => peer === id)?.user.name)

  watch(
    room,
    (now) => {
      const before = hands.value
      const after = handsOf(before, now)
      if (after.join() === before.join()) return
      hands.value = after
      const news = [
        ...after.filter((id) => id !== '' && !before.includes(id)).map((id) => say('hand.said.raised', { name: nameOf(id) ?? '' })),
        ...before.filter((id) => id !== '' && !after.includes(id) && nameOf(id)).map((id) => say('hand.said.lowered', { name: nameOf(id) ?? '' })),
      ]
      if (news.length) announce(news.join('. '))
    },
    { immediate: true },
  )

  function notice(): Notice[] {
    const own = room().status.hand
    const names = hands.value.slice(0, MAX_NAMES).flatMap((id) => nameOf(id) ?? [])
    if (!names.length) return []
    const key = own && names.length === 1 ? 'hand.notice.you' : names.length === 1 ? 'hand.notice.one' : 'hand.notice'
    const list = new Intl.ListFormat(language.value, { type: 'conjunction' }).format(names)
    const lower = { label: { key: 'hand.lower', named: {} } as const, run: () => call.setStatus({ hand: false }) }
    return [{ id: 'hands', tone: 'calm', title: { key, named: { names: list } }, ...(own && { button: lower }) }]
  }

  return {
    actions: () => {
      const { hand } = room().status
      return [
        {
          id: 'hand',
          icon: 'hand',
          label: say('hand.action'),
          hint: say(hand ? 'hand.lower' : 'hand.raise'),
          shortcut: 'h',
          place: 'bar',
          // A button that is off is shown inverted, as for a microphone; a hand that is down is nothing special.
          pressed: hand || undefined,
          run: () => call.setStatus({ hand: !hand }),
        },
      ]
    },
    notices: notice,
    tileMarks: (owner) => ((owner ? owner.status : room().status).hand ? [{ id: 'hand', icon: 'hand', label: say('hand.mark'), tone: 'warn' }] : []),
  }
}
