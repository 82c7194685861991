import { ref, shallowRef } from 'vue'
import { MAX_SIZE } from '@/call/files/frames'
import { canSendFiles } from '@/call/files/transfers'
import type { PeerView } from '@/call/state'
import type { Sentence } from './pathWords'

/** At a time; each is offered, and has to be accepted, on its own. */
const MAX_FILES = 10

/** Files that the reader has chosen, pasted or dropped, until it is clear for whom they are. `offer` is called with peer ids. */
export function useFileChoice(peers: () => PeerView[], send: (files: File[], peers: string[]) => void) {
  const chosen = shallowRef<File[]>([])
  const trouble = shallowRef<Sentence | null>(null)
  /** Files are held over the chat. */
  const over = ref(false)

  function choose(files: File[]): void {
    trouble.value = troubleWith(files, peers().length)
    if (trouble.value) return
    chosen.value = files
    // With one other there is no question.
    if (peers().length === 1) offer([peers()[0]!.peer])
  }

  function offer(to: string[]): void {
    send(chosen.value, to)
    chosen.value = []
  }

  function drag(event: DragEvent): void {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    over.value = true
  }

  function drop(event: DragEvent): void {
    over.value = false
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    const folder = [...event.dataTransfer.items].some((item) => item.webkitGetAsEntry?.()?.isDirectory)
    if (folder) trouble.value = { key: 'files.folder', named: {} }
    else choose([...event.dataTransfer.files])
  }

  return {
    chosen,
    trouble,
    over,
    choose,
    offer,
    discard: () => (chosen.value = []),
    drag,
    drop,
  }
}

function troubleWith(files: File[], others: number): Sentence | null {
  if (!canSendFiles()) return { key: 'files.insecure', named: {} }
  if (others === 0) return { key: 'files.nobody', named: {} }
  if (files.length > MAX_FILES) return { key: 'files.tooMany', named: { n: MAX_FILES } }
  const large = files.find(({ size }) => size > MAX_SIZE)
  return large ? { key: 'files.tooLarge', named: { name: large.name } } : null
}
