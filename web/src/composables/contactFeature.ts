import { announce } from './announcer'
import type { CallFeatureMaker } from './callFeature'
import { peopleTrouble } from './peopleTrouble'
import { session } from './useSession'
import { useWords } from './useWords'

/** Whoever met in a room can ask each other to become contacts. */
export const contactFeature: CallFeatureMaker = ({ room }) => {
  const { say } = useWords()

  async function ask(user: string): Promise<void> {
    const contacts = session.value?.contacts
    if (!contacts) return
    try {
      const { user: known, state } = await contacts.change(user, 'add')
      announce(state === 'mutual' ? say('arrive.invite.done', { name: known.name }) : say('add.id.done'))
    } catch (thrown) {
      announce(say(peopleTrouble(thrown)))
    }
  }

  return {
    tileActions(owner) {
      if (!owner || owner.user.id === room().self?.user.id) return []
      const state = session.value?.people.value.people.find(({ user }) => user.id === owner.user.id)?.state
      if (state === 'mutual' || state === 'blocked') return []
      if (state === 'asked') return [{ id: 'add-contact', icon: 'invite', label: say('contacts.asked'), disabled: true, run: () => undefined }]
      return [{ id: 'add-contact', icon: 'invite', label: say('contacts.add'), run: () => void ask(owner.user.id) }]
    },
  }
}
