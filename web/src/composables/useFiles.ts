import { useEventListener } from '@vueuse/core'
import type { RoomCall } from '@/call/room'
import type { RoomSnapshot } from '@/call/state'
import type { FileAct } from '@/components/FileItem.vue'
import { saveBlob } from './saveBlob'

/** What the reader does with files in a call. */
export function useFiles(call: RoomCall, room: () => RoomSnapshot) {
  // A browser shows a file that is dropped beside the chat, and the call would be over.
  for (const event of ['dragover', 'drop'] as const) {
    useEventListener(document, event, (happened) => {
      if (happened.dataTransfer?.types.includes('Files')) happened.preventDefault()
    })
  }

  function save(id: string): void {
    const file = room().files.find((one) => one.id === id)
    const content = call.files.content(id)
    if (file && content) saveBlob(content, file.name)
  }

  return {
    offer: (files: File[], peers: string[]) => files.forEach((file) => call.files.offer(file, peers)),
    act(act: FileAct, id: string): void {
      if (act === 'save') save(id)
      else call.files[act](id)
    },
  }
}
