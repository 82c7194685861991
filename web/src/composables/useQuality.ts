import { onScopeDispose, shallowRef, watch } from 'vue'
import type { Trouble } from '@/call/quality/cause'
import { QualityWatch } from '@/call/quality/watch'
import QualityPanel from '@/components/quality/QualityPanel.vue'
import type { CallContext, CallFeature, TileMark } from './callFeature'
import type { Notice } from './callNotices'
import { Attendance, lastCall } from './lastCall'
import { figureWords, troubleWords } from './qualityWords'
import { useWords } from './useWords'

const PANEL = 'quality'

/** How good the call is: a panel, warnings with their cause, marks on tiles, and what is left for the card afterwards. */
export function useQuality({ call, media, room, openPanel, panel }: CallContext): CallFeature {
  const { say, sentence } = useWords()
  const quality = new QualityWatch({ call, track: (slot) => media.track(slot) })
  const snapshot = shallowRef(quality.snapshot())
  /** Whose details the panel shows. */
  const chosen = shallowRef<string | null>(null)
  quality.subscribe((now) => (snapshot.value = now))

  const from = Date.now()
  const attendance = new Attendance()
  let { chat, room: name } = room()
  watch(room, (now) => {
    attendance.note(now)
    chat = now.chat
    name = now.room
  }, { immediate: true })
  onScopeDispose(() => {
    quality.stop()
    lastCall.value = { room: name, from, until: Date.now(), people: attendance.people(), course: quality.course(), chat }
  })

  const nameOf = (peer: string | null) => room().peers.find((one) => one.peer === peer)?.user.name ?? ''
  const words = (trouble: Trouble) => troubleWords(trouble, nameOf(trouble.peer))
  // Who has left meanwhile is no trouble any more.
  const troubles = () => snapshot.value.troubles.filter(({ peer }) => peer === null || nameOf(peer) !== '')
  const show = (peer: string | null) => {
    chosen.value = peer
    openPanel(PANEL)
  }

  return {
    actions: () => [
      {
        id: PANEL, icon: 'quality', label: say('quality.heading'), hint: say('quality.hint'), pressed: panel() === PANEL,
        run: () => (panel() === PANEL ? openPanel(null) : show(chosen.value)),
      },
    ],
    notices: () =>
      troubles().map((trouble): Notice => {
        const { title, how } = words(trouble)
        return {
          id: ['quality', trouble.cause, trouble.peer].filter(Boolean).join('-'),
          tone: 'warn', title, body: how, act: 'dismiss',
          button: { label: { key: 'quality.details', named: {} }, run: () => show(trouble.peer) },
        }
      }),
    panel: () => ({
      id: PANEL,
      heading: say('quality.heading'),
      component: QualityPanel,
      props: { quality: snapshot.value, troubles: troubles().map(words), chosen: chosen.value, onChoose: (peer: string | null) => (chosen.value = peer) },
    }),
    tileActions: (owner) =>
      owner
        ? [{ id: 'connection', icon: 'quality', label: say('quality.tile'), hint: say('quality.tile.hint', { name: owner.user.name }), run: () => show(owner.peer) }]
        : [],
    tileMarks: (owner) =>
      troubles()
        .filter(({ peer }) => peer === (owner?.peer ?? null))
        .slice(0, 1)
        .map((trouble): TileMark => ({ id: 'quality', icon: 'warning', label: sentence(words(trouble).title), tone: 'warn' })),
    tileFigures: (owner) => {
      const sample = snapshot.value.links.find(({ peer }) => peer === owner?.peer)?.sample
      return sample ? figureWords(sample).map(sentence) : []
    },
  }
}
