import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { canConnect } from '@/call/able'
import { RoomCall } from '@/call/room'
import type { CallError, RoomSnapshot } from '@/call/state'
import type { LocalMedia } from '@/media/devices'
import { asWireError } from '@/signal/errors'
import { showHandle } from './debugHandle'
import { shutOut } from './identity'
import { secretOf } from './madeRooms'
import { ownPicture } from './pictures'
import { openSession, session } from './useSession'

const NO_GUESTS: CallError = { code: 'guests', message: 'guests are not let in here' }
const NO_WEBRTC: CallError = { code: 'no_webrtc', message: 'this browser has no RTCPeerConnection' }

/** Joining a room and leaving it again, and what it looks like meanwhile. */
export function useCall(room: string, media: LocalMedia) {
  const call = shallowRef<RoomCall | null>(null)
  const snapshot = shallowRef<RoomSnapshot | null>(null)
  const joining = ref(false)
  const refused = shallowRef<CallError | null>(null)
  /** Whether we have been in since the last join; losing touch later does not bring the lobby back. */
  const inside = ref(false)
  let end = () => {}
  /** Which try to join is the one that is wanted; a cancelled one must not end in the room. */
  let wanted = 0

  /** `pass` is what a moderator gave, for a locked room. */
  async function join(name: string, pass?: string): Promise<void> {
    if (joining.value) return
    if (!canConnect()) {
      refused.value = NO_WEBRTC
      return
    }
    end()
    const mine = ++wanted
    joining.value = true
    refused.value = null
    try {
      // Whoever has a line has been let in.
      const out = session.value?.signal.state !== 'open' && (await shutOut())
      if (mine !== wanted) return
      if (out) {
        refused.value = NO_GUESTS
        return
      }
      await connect(name, pass).join()
      if (mine !== wanted) return
      inside.value = snapshot.value?.joined ?? false
    } catch (thrown) {
      if (mine !== wanted) return
      const { code, message } = asWireError(thrown)
      refused.value ??= { code, message }
      end()
    } finally {
      if (mine === wanted) joining.value = false
    }
  }

  function connect(name: string, pass?: string): RoomCall {
    const there = session.value
    // A session that is in a call is in it by the name that it has.
    const { signal } = there?.calls.value.current?.room === room ? there : openSession(name)
    const made = new RoomCall({ room, signal, media, picture: ownPicture.value, secret: secretOf(room), pass, ...relayOnly() })
    const hide = showHandle({ room: made, signal, media, peerConnections: () => made.peerConnections() })
    const unsubscribe = made.subscribe((now) => (snapshot.value = now))
    call.value = made
    end = () => {
      end = () => {}
      unsubscribe()
      hide()
      // The session goes on, so that the reader can still be reached.
      void made.leave()
      inside.value = false
      call.value = null
      snapshot.value = null
    }
    return made
  }

  // Whoever cannot get in, or could do nothing there, need not get ready first.
  if (!canConnect()) refused.value = NO_WEBRTC
  else if (session.value?.signal.state !== 'open') {
    void shutOut().then((out) => {
      if (out && !joining.value && !call.value) refused.value = NO_GUESTS
    })
  }
  watch(inside, (now) => session.value?.ringing.setInRoom(now), { flush: 'sync' })
  onScopeDispose(() => end())

  return {
    call,
    snapshot,
    joining,
    inside,
    /** Why we are not, or no longer, in the room. */
    failure: computed<CallError | null>(() => refused.value ?? snapshot.value?.error ?? null),
    join,
    leave(): void {
      wanted++
      joining.value = false
      end()
      refused.value = null
    },
  }
}

/** For tests: `?ice=relay` lets no direct path be used, so that the relays are tried where direct ones would win. */
function relayOnly(): { iceTransportPolicy?: RTCIceTransportPolicy } {
  return new URLSearchParams(location.search).get('ice') === 'relay' ? { iceTransportPolicy: 'relay' } : {}
}
