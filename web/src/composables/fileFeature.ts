import { watch } from 'vue'
import { announce } from './announcer'
import type { CallFeatureMaker } from './callFeature'
import { sizeWords } from './fileWords'
import { useWords } from './useWords'

/** What is heard and seen of files while the chat, where they are, is closed. */
export const fileFeature: CallFeatureMaker = ({ room, panel, openPanel }) => {
  const { say, language } = useWords()
  const offers = () => room().files.filter(({ mine, state }) => !mine && state === 'asked')

  watch(
    () => room().files,
    (now, before) => {
      const then = new Map(before.map(({ id, state }) => [id, state]))
      const news = now.flatMap(({ id, mine, state, name, size, user }) => {
        if (mine || then.get(id) === state) return []
        if (state === 'asked' && !then.has(id)) return [say('files.offered', { name: user.name, file: name, size: sizeWords(size, language.value) })]
        return state === 'done' ? [say('files.said.done', { file: name })] : []
      })
      if (news.length) announce(news.join('. '))
    },
  )

  return {
    notices: () => {
      const last = offers().at(-1)
      if (!last || panel() === 'chat') return []
      const { id, name, size, user } = last
      return [
        {
          id: `file ${id}`,
          tone: 'calm',
          title: { key: 'files.offered', named: { name: user.name, file: name, size: sizeWords(size, language.value) } },
          button: { label: { key: 'files.offered.look', named: {} }, run: () => openPanel('chat') },
        },
      ]
    },
  }
}
