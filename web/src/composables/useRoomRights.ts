import { onScopeDispose, ref, shallowRef } from 'vue'
import type { Knocker } from '@/call/rights/rights'
import KickDialog from '@/components/rooms/KickDialog.vue'
import { asWireError } from '@/signal/errors'
import type { CallContext, CallFeature } from './callFeature'
import type { Notice } from './callNotices'
import { useWords } from './useWords'

/** More at once would hide the call; the next come up as these are answered. */
const AT_ONCE = 3

/** What moderators do: lock the room, let in who knocks, remove somebody. Everybody sees that the room is locked. */
export function useRoomRights({ call }: CallContext): CallFeature {
  const { say } = useWords()
  const rights = shallowRef(call.rights.snapshot())
  onScopeDispose(call.rights.subscribe((now) => (rights.value = now)))

  /** Whom to remove, while that is being asked. */
  const removing = shallowRef<{ peer: string; name: string } | null>(null)
  const failed = ref(false)

  // Whatever it was, it can be tried again; who has gone meanwhile needs nothing more.
  async function attempt(act: Promise<void>): Promise<void> {
    failed.value = false
    await act.catch((thrown) => (failed.value = !['gone', 'no_such_peer'].includes(asWireError(thrown).code)))
  }

  const knockNotice = ({ peer, user }: Knocker): Notice => ({
    id: `knock-${peer}`,
    tone: 'calm',
    title: { key: 'rooms.knocks', named: { name: user.name } },
    button: { label: { key: 'rooms.admit', named: {} }, run: () => void attempt(call.rights.admit(peer, true)) },
    otherwise: { label: { key: 'rooms.refuse', named: {} }, run: () => void attempt(call.rights.admit(peer, false)) },
  })

  return {
    actions: () => {
      const { moderator, locked } = rights.value
      if (!moderator) return []
      return [
        {
          id: 'lock', icon: locked ? 'lock' : 'unlock', label: say('rooms.lock'), hint: say(locked ? 'rooms.lock.off' : 'rooms.lock.on'), pressed: locked,
          run: () => void attempt(call.rights.setLocked(!locked)),
        },
      ]
    },
    notices: () => {
      const notices = rights.value.knocking.slice(0, AT_ONCE).map(knockNotice)
      if (failed.value) {
        const run = () => (failed.value = false)
        notices.push({
          id: 'rights-failed', tone: 'warn', title: { key: 'rooms.failed', named: {} }, body: { key: 'rooms.failed.how', named: {} },
          button: { label: { key: 'app.dismiss', named: {} }, run },
        })
      }
      if (rights.value.locked) {
        const body = rights.value.moderator ? 'rooms.locked.moderator' : 'rooms.locked.others'
        notices.push({ id: 'locked', tone: 'calm', title: { key: 'rooms.locked', named: {} }, body: { key: body, named: {} }, act: 'dismiss' })
      }
      return notices
    },
    tileActions: (owner) =>
      owner && rights.value.moderator
        ? [{ id: 'kick', icon: 'remove', label: say('rooms.kick'), danger: true, run: () => (removing.value = { peer: owner.peer, name: owner.user.name }) }]
        : [],
    overlay: {
      component: KickDialog,
      props: () => ({
        person: removing.value,
        onClose: () => (removing.value = null),
        onKick: (forSeconds: number) => removing.value && void attempt(call.rights.kick(removing.value.peer, forSeconds)),
      }),
    },
  }
}
