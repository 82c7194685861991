import { onScopeDispose, ref, shallowReadonly, shallowRef, watch } from 'vue'
import { ALL_LINES } from '@/call/showing'
import type { LibraryItem } from '@/media/library/item'
import type { CallRecording } from '@/media/record/callRecording'
import type { RecorderView } from '@/media/record/recorder'
import { names, type Scene, type Subject } from '@/media/record/scene'
import type { CallContext } from './callFeature'
import { noteRecordings } from './callRecordings'
import { callScene, SELF } from './callScene'
import { useRoomTitle } from './useRoomTitle'

export type RecordingPhase = 'idle' | 'starting' | 'running' | 'saving'
/** Why there is less than was wished for; `empty` and `failed` mean nothing at all. */
export type RecordingTrouble = 'full' | 'slow' | 'broken' | 'empty' | 'failed'

const TICK_MS = 250
/** How long a saved recording is told of, in ms. */
const SAVED_MS = 12_000

/** Recording a call, one recording at a time; whatever ends the call, ends and saves it. */
export function useRecording(context: CallContext) {
  const { title: titleOf } = useRoomTitle()
  const phase = ref<RecordingPhase>('idle')
  const view = shallowRef<RecorderView | null>(null)
  const trouble = ref<RecordingTrouble | null>(null)
  const saved = shallowRef<LibraryItem | null>(null)
  const notes = noteRecordings()
  let recording: CallRecording | null = null
  let gone = false
  let savedTimer: ReturnType<typeof setTimeout> | undefined

  const scene = (): Scene => callScene(context.room(), context.devices(), context.media.track('screenSound'))
  const timer = setInterval(look, TICK_MS)

  function look(): void {
    if (recording) view.value = recording.view()
  }

  async function start(kind: Exclude<Subject['kind'], 'person'> | { person: string }): Promise<void> {
    if (phase.value !== 'idle') return
    phase.value = 'starting'
    trouble.value = saved.value = null
    let letGo = () => {}
    let release = () => {}
    try {
      const subject = typeof kind === 'object' ? ({ kind: 'person', id: kind.person } as const) : kind === 'screen' ? await screenSubject() : { kind }
      // Asked for only to be recorded, so it is let go of with the recording.
      if (subject.kind === 'screen' && subject.track !== context.devices().screen.track) letGo = () => subject.track.stop()
      release = holdLines(subject)
      await record(subject)
    } catch (error) {
      // Whoever declines to choose a screen has decided, and nothing went wrong.
      if (!(error instanceof DOMException && error.name === 'NotAllowedError')) trouble.value = 'failed'
    } finally {
      letGo()
      release()
      context.call.setStatus({ recording: false })
      recording = null
      view.value = null
      phase.value = 'idle'
    }
  }

  /** A recording has no use for pictures as small as tiles may be. */
  function holdLines(subject: Subject): () => void {
    const { showing } = context.call
    if (subject.kind === 'call') return showing.holdAll()
    if (subject.kind !== 'person' || subject.id === SELF) return () => {}
    const view = showing.view(subject.id)
    view.set(ALL_LINES)
    return () => view.end()
  }

  /** Resolves when the recording is over and saved. */
  async function record(subject: Subject): Promise<void> {
    const [{ CallRecording }, { FOLDER }, { Library }] = await Promise.all([
      import('@/media/record/callRecording'),
      import('@/media/library/files'),
      import('@/media/library/library'),
    ])
    const library = await Library.open()
    try {
      const who = names(scene(), subject)
      const title = subject.kind === 'person' ? (who[0] ?? titleOf(context.room().room)) : titleOf(context.room().room)
      const open = await library.begin({ title, who }, subject.kind === 'voices' ? 'audio/webm' : 'video/webm')
      try {
        if (gone) throw new DOMException('the call is over', 'NotAllowedError')
        // Before the first picture is taken, as the others have a right to know.
        context.call.setStatus({ recording: true })
        recording = await CallRecording.start(subject, scene(), { folder: FOLDER, name: open.file }, look)
        recording.show(scene())
        if (gone) stop()
      } catch (error) {
        await open.discard()
        throw error
      }
      phase.value = 'running'
      notes.begun()
      look()
      let item: LibraryItem | null | undefined
      try {
        await recording.done
        trouble.value = recording.view().trouble
        recording = null
        view.value = null
        phase.value = 'saving'
        context.call.setStatus({ recording: false })
        item = await open.finish()
      } finally {
        notes.over(item)
      }
      tell(item)
    } finally {
      library.close()
    }
  }

  function tell(item: LibraryItem | null): void {
    if (!item) {
      trouble.value ??= 'empty'
      return
    }
    saved.value = item
    clearTimeout(savedTimer)
    savedTimer = setTimeout(() => (saved.value = null), SAVED_MS)
  }

  async function screenSubject(): Promise<Subject> {
    const shared = context.devices().screen.track
    if (shared) return { kind: 'screen', track: shared }
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } } })
    const [track] = stream.getVideoTracks()
    if (!track) throw new Error('a screen without a track')
    track.addEventListener('ended', stop)
    return { kind: 'screen', track }
  }

  function stop(): void {
    void recording?.stop()
    look()
  }

  watch([() => context.room(), () => context.devices()], () => {
    if (!recording) return
    const now = scene()
    const { subject } = recording
    const over = subject.kind === 'person' ? !now.people.some(({ id }) => id === subject.id) : subject.kind === 'screen' && subject.track.readyState === 'ended'
    if (over) stop()
    else recording.show(now)
  })
  onScopeDispose(() => {
    gone = true
    clearInterval(timer)
    clearTimeout(savedTimer)
    stop()
  })

  return {
    phase: shallowReadonly(phase),
    view: shallowReadonly(view),
    trouble: shallowReadonly(trouble),
    saved: shallowReadonly(saved),
    start,
    stop,
    pause(): void {
      recording?.pause()
      look()
    },
    resume(): void {
      recording?.resume()
      look()
    },
  }
}

export type RecordingDesk = ReturnType<typeof useRecording>
