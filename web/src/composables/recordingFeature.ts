import { ref, watch } from 'vue'
import RecordingOverlay from '@/components/recording/RecordingOverlay.vue'
import type { MessageKey } from '@/i18n/en'
import { canRecord } from '@/media/record/formats'
import { announce } from './announcer'
import type { CallAction, CallContext, CallFeature, TileMark, TileOwner } from './callFeature'
import type { Notice } from './callNotices'
import { SELF } from './callScene'
import { recordingNews } from './recordingNews'
import { usePicture } from './usePicture'
import { useRecording, type RecordingTrouble } from './useRecording'
import { useWords } from './useWords'

const TROUBLES: Record<RecordingTrouble, [title: MessageKey, how: MessageKey]> = {
  full: ['recording.full', 'recording.full.how'],
  slow: ['recording.slow', 'recording.slow.how'],
  broken: ['recording.broken', 'recording.broken.how'],
  empty: ['recording.empty', 'recording.empty.how'],
  failed: ['recording.failed', 'recording.failed.how'],
}

/** Recordings and pictures of the call, and who else records it. */
export function recordingFeature(context: CallContext): CallFeature {
  const { say, sentence } = useWords()
  const recording = useRecording(context)
  const picture = usePicture(context)
  const able = canRecord()
  const cutOff = ref(false)
  void lookForCutOff().then((found) => (cutOff.value = found))

  watch(
    () => context.room(),
    (now, before) => {
      const news = recordingNews(before, now)
      if (news.length) announce(news.map(sentence).join('. '))
    },
  )
  watch(recording.phase, (now, before) => {
    if (now === 'running') announce(say('recording.said.started'))
    if (before === 'saving' && recording.saved.value) announce(say('recording.saved'))
  })

  const idle = () => recording.phase.value === 'idle'
  const record = (id: string, icon: CallAction['icon'], label: string, run: () => void): CallAction => ({ id, icon, label, run, disabled: !able || !idle() })

  function tileActions(owner: TileOwner): CallAction[] {
    const camera = owner ? owner.sends.camera && owner.camera : context.devices().camera.track
    const screen = owner ? owner.sends.screen && owner.screen : context.devices().screen.track
    const name = owner?.user.name ?? context.room().self?.user.name ?? ''
    const actions: CallAction[] = []
    if (camera) actions.push({ id: 'picture-tile', icon: 'picture', label: say('picture.take'), run: () => void picture.ofTrack(camera, name, owner?.peer) })
    if (screen) actions.push({ id: 'picture-screen', icon: 'screen', label: say('picture.take.screen'), run: () => void picture.ofTrack(screen, name) })
    actions.push(record('record-person', 'record', say('recording.person'), () => void recording.start({ person: owner?.peer ?? SELF })))
    return actions
  }

  function tileMarks(owner: TileOwner): TileMark[] {
    const status = owner?.status ?? context.room().status
    return status.recording ? [{ id: 'recording', icon: 'record', label: say('recording.mark'), tone: 'bad' }] : []
  }

  return {
    actions: () => [
      {
        id: 'record',
        icon: recording.phase.value === 'running' ? 'stop' : 'record',
        label: say(recording.phase.value === 'running' ? 'recording.stop.word' : 'recording.start'),
        hint: able ? say(recording.phase.value === 'running' ? 'recording.stop' : 'recording.start.hint') : say('recording.unsupported'),
        shortcut: 'r',
        place: 'bar',
        disabled: !able || recording.phase.value === 'starting' || recording.phase.value === 'saving',
        run: () => (recording.phase.value === 'running' ? recording.stop() : void recording.start('call')),
      },
      record('record-voices', 'sound', say('recording.voices'), () => void recording.start('voices')),
      ...(context.devices().canShareScreen ? [record('record-screen', 'screen', say('recording.screen'), () => void recording.start('screen'))] : []),
      { id: 'picture-call', icon: 'picture', label: say('picture.take.call'), run: () => void picture.ofCall() },
      { id: 'library', icon: 'library', label: say('recording.openLibrary'), run: openLibrary },
    ],
    notices: () => notices(),
    overlay: { component: RecordingOverlay, props: () => ({ recording, picture, alone: context.room().peers.length === 0 }) },
    tileActions,
    tileMarks,
  }

  function notices(): Notice[] {
    const all = context.room().peers.flatMap(({ peer, user, status }): Notice[] =>
      status.recording
        ? [{ id: `recording-${peer}`, tone: 'warn', title: { key: 'recording.by', named: { name: user.name } }, body: plain('recording.by.how'), act: 'dismiss' }]
        : [],
    )
    const trouble = recording.trouble.value
    if (trouble) {
      const [title, how] = TROUBLES[trouble]
      all.push({ id: 'recording-trouble', tone: 'warn', title: plain(title), body: plain(how), act: 'dismiss' })
    }
    if (picture.failed.value) {
      all.push({ id: 'picture-failed', tone: 'warn', title: plain('picture.failed'), body: plain('picture.failed.how'), act: 'dismiss' })
    }
    const library = { label: plain('recording.openLibrary'), run: openLibrary }
    if (recording.phase.value === 'saving') all.push({ id: 'recording-saving', tone: 'calm', title: plain('recording.saving') })
    if (recording.saved.value) all.push({ id: 'recording-saved', tone: 'good', title: plain('recording.saved'), button: library, act: 'dismiss' })
    if (cutOff.value) {
      all.push({ id: 'recording-cut-off', tone: 'calm', title: plain('recording.cutOff'), body: plain('recording.cutOff.how'), button: library, act: 'dismiss' })
    }
    return all
  }
}

/** Beside the call, which goes on in this tab. */
function openLibrary(): void {
  window.open('/library', '_blank', 'noopener')
}

async function lookForCutOff(): Promise<boolean> {
  try {
    const { Library } = await import('@/media/library/library')
    const library = await Library.open()
    return (await library.abandoned().finally(() => library.close())).length > 0
  } catch {
    // Where nothing can be kept, nothing was cut off.
    return false
  }
}

function plain(key: MessageKey): Notice['title'] {
  return { key, named: {} }
}
