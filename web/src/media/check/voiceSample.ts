/** Long enough for a sentence, short enough to wait for; ms. */
export const SAMPLE_MS = 3_000

/** Records a microphone's track for a while, to be played back to its owner: never sent, never stored. Rejects if the browser cannot record. */
export async function recordVoice(track: MediaStreamTrack, ms = SAMPLE_MS): Promise<Blob> {
  // A clone, so that what happens to the original meanwhile does not end it.
  const clone = track.clone()
  try {
    const recorder = new MediaRecorder(new MediaStream([clone]))
    const parts: Blob[] = []
    recorder.ondataavailable = ({ data }) => parts.push(data)
    const ended = new Promise<void>((resolve, reject) => {
      recorder.onstop = () => resolve()
      recorder.onerror = () => reject(new Error('the browser could not record the microphone'))
    })
    recorder.start()
    const timer = setTimeout(() => recorder.state !== 'inactive' && recorder.stop(), ms)
    await ended.finally(() => clearTimeout(timer))
    return new Blob(parts, { type: recorder.mimeType })
  } finally {
    clone.stop()
  }
}
