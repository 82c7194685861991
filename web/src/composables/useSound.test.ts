import { mount } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { defineComponent, h } from 'vue'
import { provideSound, useSound, type Sound } from './useSound'

function sounds() {
  let sound!: Sound
  const Inner = defineComponent({ setup: () => ((sound = useSound()), () => null) })
  mount(defineComponent({ setup: () => (provideSound(), () => h(Inner)) }))
  return sound
}

/** An element whose play() is refused with `refusal` until the reader touches the page. */
function element(refusal: string | null) {
  const audio = { play: vi.fn(() => (refusal ? Promise.reject(new DOMException('x', refusal)) : Promise.resolve())) }
  return {
    audio: audio as unknown as HTMLMediaElement,
    touch: () => void (refusal = null),
  }
}

describe('the sound of the others', () => {
  it('is not blocked where the browser plays it', async () => {
    const sound = sounds()
    sound.play(element(null).audio)
    await vi.waitFor(() => expect(sound.blocked.value).toBe(false))
  })

  it('is blocked until the reader allows it, then plays all that was held back', async () => {
    const sound = sounds()
    const [one, other] = [element('NotAllowedError'), element('NotAllowedError')]
    sound.play(one.audio)
    sound.play(other.audio)
    await vi.waitFor(() => expect(sound.blocked.value).toBe(true))
    one.touch()
    other.touch()
    sound.allow()
    await vi.waitFor(() => expect(sound.blocked.value).toBe(false))
    expect(one.audio.play).toHaveBeenCalledTimes(2)
    expect(other.audio.play).toHaveBeenCalledTimes(2)
  })

  it('forgets an element that has gone', async () => {
    const sound = sounds()
    const { audio } = element('NotAllowedError')
    sound.play(audio)
    await vi.waitFor(() => expect(sound.blocked.value).toBe(true))
    sound.forget(audio)
    expect(sound.blocked.value).toBe(false)
  })

  it('takes an interruption for no refusal', async () => {
    const sound = sounds()
    const { audio } = element('AbortError')
    sound.play(audio)
    await Promise.resolve()
    await Promise.resolve()
    expect(sound.blocked.value).toBe(false)
  })
})
