import { roomWords } from '@/i18n/roomWords'
import { session } from './useSession'
import { useWords } from './useWords'

/** What rooms are called on this page. Reads what may change: call it where that is followed. */
export function useRoomTitle() {
  const { say, language } = useWords()

  /** With whom, if the room is that of a call that was rung. */
  function calledWith(room: string): string | undefined {
    const called = session.value?.calls.value.current
    return called?.room === room ? called.with.name : undefined
  }

  return {
    title: (room: string): string => calledWith(room) ?? roomWords(room, language.value),
    /** The call that is held there, as a heading. */
    heading(room: string): string {
      const name = calledWith(room)
      return name === undefined ? say('call.region', { room: roomWords(room, language.value) }) : say('rooms.call.with', { name })
    },
  }
}
