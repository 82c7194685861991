import type { Page } from 'playwright-core'

/**
 * Before the page is opened: gives its visitor a microphone that plays one tone, at a quarter of full scale, and a camera of
 * known size, red on the left and blue on the right.
 */
export async function giveProps(page: Page, { hertz, width, height }: { hertz: number; width: number; height: number }): Promise<void> {
  await page.addInitScript(
    ({ hertz, width, height }) => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
      navigator.mediaDevices.getUserMedia = async (constraints) => {
        const stream = await real(constraints)
        for (const track of stream.getTracks()) {
          stream.removeTrack(track)
          stream.addTrack(track.kind === 'audio' ? tone() : picture())
          track.stop()
        }
        return stream
      }

      function tone(): MediaStreamTrack {
        const context = new AudioContext()
        // It sleeps until the visitor touches the page.
        addEventListener('pointerdown', () => void context.resume(), { capture: true })
        const oscillator = new OscillatorNode(context, { frequency: hertz })
        const volume = new GainNode(context, { gain: 0.25 })
        const output = new MediaStreamAudioDestinationNode(context)
        oscillator.connect(volume).connect(output)
        oscillator.start()
        return output.stream.getAudioTracks()[0]!
      }

      function picture(): MediaStreamTrack {
        const canvas = document.createElement('canvas')
        Object.assign(canvas, { width, height })
        const context = canvas.getContext('2d')!
        let turn = 0
        setInterval(() => {
          context.fillStyle = '#c81e1e'
          context.fillRect(0, 0, width / 2, height)
          context.fillStyle = '#1e3cc8'
          context.fillRect(width / 2, 0, width / 2, height)
          // Something that moves, or nothing would be sent.
          context.fillStyle = turn++ % 2 ? '#fff' : '#000'
          context.fillRect(width / 2 - 8, height - 16, 16, 16)
        }, 100)
        return canvas.captureStream(10).getVideoTracks()[0]!
      }
    },
    { hertz, width, height },
  )
}
