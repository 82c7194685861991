import { inject, onScopeDispose, provide, readonly, shallowRef, watch, type InjectionKey, type Ref } from 'vue'

/** Plays the others' sound, and knows when the browser holds it back. */
export interface Sound {
  /** True while the browser refuses to play until the reader touches the page. */
  readonly blocked: Readonly<Ref<boolean>>
  /** Starts an element; call again whenever its stream changes. */
  play(element: HTMLMediaElement): void
  forget(element: HTMLMediaElement): void
  /** Starts all that was held back. Only from the reader's own click or key. */
  allow(): void
}

const KEY: InjectionKey<Sound> = Symbol('sound')

export function provideSound(): Sound {
  const held = new Set<HTMLMediaElement>()
  const blocked = shallowRef(false)
  const count = () => (blocked.value = held.size > 0)

  const sound: Sound = {
    blocked: readonly(blocked),
    play(element) {
      element.play().then(
        () => {
          held.delete(element)
          count()
        },
        (refusal: unknown) => {
          // AbortError only says that a newer stream or a removal overtook this one.
          if (!(refusal instanceof DOMException && refusal.name === 'NotAllowedError')) return
          held.add(element)
          count()
        },
      )
    },
    forget(element) {
      held.delete(element)
      count()
    },
    allow() {
      for (const element of [...held]) sound.play(element)
    },
  }
  provide(KEY, sound)
  return sound
}

export function useSound(): Sound {
  const sound = inject(KEY)
  if (!sound) throw new Error('useSound: no component above has called provideSound')
  return sound
}

/** Shows or plays a track in an element for as long as both are there. `audible` elements go through `sound`. */
export function useTrackElement(
  element: Readonly<Ref<HTMLMediaElement | null>>,
  track: () => MediaStreamTrack | null,
  sound: Sound | null,
): void {
  watch(
    [element, track],
    ([now, live], [before]) => {
      if (before && before !== now) release(before)
      if (!now) return
      const playing = (now.srcObject as MediaStream | null)?.getTracks()[0] ?? null
      if (playing === live) return
      now.srcObject = live ? new MediaStream([live]) : null
      if (!live) return
      if (sound) sound.play(now)
      else now.play().catch(() => undefined) // silent pictures are never held back; a refusal means that it was removed
    },
    { immediate: true, flush: 'post' },
  )

  function release(old: HTMLMediaElement): void {
    old.srcObject = null
    sound?.forget(old)
  }

  onScopeDispose(() => {
    if (element.value) release(element.value)
  })
}
