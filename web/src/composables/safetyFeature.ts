import { computed, defineAsyncComponent, h, ref } from 'vue'
import type { CallFeatureMaker } from './callFeature'
import { useWords } from './useWords'

const SafetyDialog = defineAsyncComponent(() => import('@/components/SafetyDialog.vue'))

/** A code that two people compare to be sure that nobody sits between them. */
export const safetyFeature: CallFeatureMaker = ({ call, room }) => {
  const { say } = useWords()
  const compared = ref<{ peer: string; name: string } | null>(null)
  const fingerprints = computed(() => {
    const { peers } = room()
    const peer = compared.value?.peer
    const view = peers.find((one) => one.peer === peer)
    return view && peer !== undefined && view.link !== 'new' ? call.fingerprints(peer) : null
  })

  return {
    tileActions: (owner) =>
      owner
        ? [{ id: 'safety', icon: 'shield', label: say('safety.action'), run: () => (compared.value = { peer: owner.peer, name: owner.user.name }) }]
        : [],
    overlay: {
      component: () =>
        compared.value &&
        h(SafetyDialog, {
          key: compared.value.peer,
          name: compared.value.name,
          there: room().peers.some(({ peer }) => peer === compared.value?.peer),
          fingerprints: fingerprints.value,
          onClose: () => (compared.value = null),
        }),
    },
  }
}
