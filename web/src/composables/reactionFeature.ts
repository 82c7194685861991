import { onScopeDispose, ref, shallowRef } from 'vue'
import type { Reaction, ShownReaction } from '@/call/reactions'
import ReactionLayer from '@/components/ReactionLayer.vue'
import { announce } from './announcer'
import type { CallFeatureMaker } from './callFeature'
import { REACTION_WORDS } from './reactionWords'
import { useWords } from './useWords'

const SHOWN_MS = 4_000
/** More at once would hide the call. */
const MAX_SHOWN = 24
/** What comes together is said together. */
const SAY_MS = 800
const MAX_SAID = 5

/** Reactions that rise over the call. */
export const reactionFeature: CallFeatureMaker = ({ call }) => {
  const { say } = useWords()
  const open = ref(false)
  const shown = shallowRef<ShownReaction[]>([])
  const timers = new Set<ReturnType<typeof setTimeout>>()
  let said: string[] = []

  function later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      run()
    }, ms)
    timers.add(timer)
  }

  function tell({ user, reaction }: ShownReaction): void {
    if (said.length === 0) {
      later(SAY_MS, () => {
        announce(said.join('. '))
        said = []
      })
    }
    if (said.length < MAX_SAID) said.push(say('react.said', { name: user.name, reaction: say(REACTION_WORDS[reaction].name) }))
  }

  const end = call.reactions.listen((one) => {
    shown.value = [...shown.value, one].slice(-MAX_SHOWN)
    if (!one.mine) tell(one)
    later(SHOWN_MS, () => (shown.value = shown.value.filter(({ id }) => id !== one.id)))
  })
  onScopeDispose(() => {
    end()
    timers.forEach(clearTimeout)
  })

  return {
    actions: () => [
      {
        id: 'react',
        icon: 'smile',
        label: say('react.action'),
        hint: say('react.hint'),
        shortcut: 'e',
        place: 'bar',
        run: () => (open.value = !open.value),
      },
    ],
    overlay: {
      component: ReactionLayer,
      props: () => ({
        open: open.value,
        shown: shown.value,
        onClose: () => (open.value = false),
        onPick: (reaction: Reaction) => {
          if (!call.reactions.send(reaction)) announce(say('react.tooMany'))
        },
      }),
    },
  }
}
