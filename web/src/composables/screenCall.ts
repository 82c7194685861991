import { readonly, ref } from 'vue'
import type { RingingSnapshot } from '@/call/ringing/state'
import { ScreenAhead, type HeldScreen } from '@/media/screenAhead'
import { canShareScreen } from '@/media/screenCapture'
import type { Media, User } from '@/wire/wire.gen'
import { session } from './useSession'

// Calls that begin with a screen. It is chosen at the click that calls, held while it rings, and shown once somebody answers.
const state = ref<HeldScreen>('none')
/** The page has one, as all that is held. */
const ahead = new ScreenAhead({ devices: globalThis.navigator?.mediaDevices, changed: (now) => (state.value = now) })

/** How the screen stands that a call is to begin with. */
export const heldScreen = readonly(state)

/** Whether the last screen that was wanted for a call could not be had, for another reason than that the reader changed their mind. */
export const screenTrouble = ref(false)

/** Whether this browser has screens to share. */
export function screenShared(): boolean {
  return canShareScreen(globalThis.navigator?.mediaDevices)
}

/** Calls somebody, from a click: with a screen it is first asked which. Who chooses none calls nobody. */
export async function placeCall(to: User, media: Media): Promise<void> {
  screenTrouble.value = false
  if (media === 'screen') {
    const problem = await ahead.choose()
    screenTrouble.value = problem !== null && problem !== 'denied' && problem !== 'dismissed'
    if (problem !== null) return
  }
  const ringing = session.value?.ringing
  void ringing?.call(to, media)
  // Somebody else's call may have been answered while the reader chose.
  settleScreen(ringing?.snapshot())
}

/** Lets go of the screen unless a call that is to begin with it rings, or has just been answered. */
export function settleScreen(calls: Pick<RingingSnapshot, 'outgoing' | 'current'> | undefined): void {
  const { outgoing, current } = calls ?? {}
  const rings = outgoing?.state === 'calling' || outgoing?.state === 'ringing'
  if ((rings && outgoing.media === 'screen') || current?.media === 'screen') return
  ahead.drop()
}

/** The screen for the call that was answered; the taker's from now on. */
export function takeScreen(): MediaStream | null {
  return ahead.take()
}
