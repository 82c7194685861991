import { computed } from 'vue'
import PictureWindow from '@/components/PictureWindow.vue'
import type { PeerView } from '@/call/state'
import { announce } from './announcer'
import type { CallAction, CallContext, CallFeature } from './callFeature'
import { usePictureInPicture } from './pictureInPicture'
import { provideStageLayout, type Layout } from './stageLayout'
import { useWords } from './useWords'

/** How the tiles stand: side by side, the speaker large, somebody pinned, or the speaker in a small window of its own. */
export function layoutFeature(context: CallContext): CallFeature {
  const { say } = useWords()
  const stage = provideStageLayout()
  const picture = usePictureInPicture()

  const shown = computed<PeerView | null>(() => {
    const { peers } = context.room()
    const by = (id: string | null) => peers.find(({ peer }) => peer === id)
    return by(stage.pinned.value) ?? by(stage.speaker.value) ?? peers[0] ?? null
  })

  function choose(layout: Layout): void {
    // The second press gives the choice back to the page.
    stage.layout.value = stage.layout.value === layout ? 'auto' : layout
    if (stage.layout.value === 'auto') announce(say('layout.auto.said'))
    else announce(say(layout === 'grid' ? 'layout.grid.said' : 'layout.speaker.said'))
  }

  function pin({ peer, user }: PeerView): void {
    const was = stage.pinned.value === peer
    stage.pinned.value = was ? null : peer
    announce(say(was ? 'layout.unpin.said' : 'layout.pin.said', { name: user.name }))
  }

  const actions = (): CallAction[] => {
    const all: CallAction[] = [
      { id: 'layout-grid', icon: 'grid', label: say('layout.grid'), pressed: stage.layout.value === 'grid', shortcut: 'g', run: () => choose('grid') },
      { id: 'layout-speaker', icon: 'spotlight', label: say('layout.speaker'), pressed: stage.layout.value === 'speaker', shortcut: 'l', run: () => choose('speaker') },
    ]
    if (picture.supported) {
      all.push({
        id: 'picture-in-picture',
        icon: 'float',
        label: say('layout.picture'),
        hint: say('layout.picture.hint'),
        pressed: picture.open.value,
        shortcut: 'i',
        disabled: !shown.value,
        run: () => void picture.toggle(shown.value?.peer ?? null),
      })
    }
    return all
  }

  return {
    actions,
    overlay: {
      component: PictureWindow,
      props: () => ({
        place: picture.place.value,
        peer: shown.value,
        microphoneOn: context.devices().microphone.state === 'on',
        onMicrophone: () => void context.media.setMicrophone(context.devices().microphone.state !== 'on'),
      }),
    },
    tileActions: (owner) => {
      if (!owner) return []
      const pinned = stage.pinned.value === owner.peer
      return [{ id: 'pin', icon: 'pin', label: say(pinned ? 'layout.unpin' : 'layout.pin'), pressed: pinned, run: () => pin(owner) }]
    },
    tileMarks: (owner) => (owner && stage.pinned.value === owner.peer ? [{ id: 'pinned', icon: 'pin', label: say('layout.pinned') }] : []),
  }
}
