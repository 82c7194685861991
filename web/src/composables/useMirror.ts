import { ref, watch } from 'vue'

const KEPT = 'callmesh.mirror'

/** Whether we see our own camera as in a mirror; others never do. */
export const mirrored = ref(localStorage.getItem(KEPT) !== 'off')

watch(mirrored, (on) => localStorage.setItem(KEPT, on ? 'on' : 'off'))
