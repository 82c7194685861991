const WIDTH = 480
/** A file that shows nothing by then never will. */
const PATIENCE_MS = 10_000

/** A small JPEG of a picture or of a moment of a recording; null if it shows nothing. */
export async function thumbnail(file: Blob, kind: 'picture' | 'recording', durationMs: number | null): Promise<Blob | null> {
  try {
    return kind === 'picture' ? await ofPicture(file) : await ofRecording(file, durationMs ?? 0)
  } catch {
    // The library shows an icon instead.
    return null
  }
}

async function ofPicture(file: Blob): Promise<Blob | null> {
  const bitmap = await createImageBitmap(file)
  try {
    return await small(bitmap, bitmap.width, bitmap.height)
  } finally {
    bitmap.close()
  }
}

async function ofRecording(file: Blob, durationMs: number): Promise<Blob | null> {
  const video = document.createElement('video')
  const url = URL.createObjectURL(file)
  try {
    video.muted = true
    video.preload = 'auto'
    // The very beginning is often empty still.
    await until(video, 'seeked', () => {
      video.src = url
      video.currentTime = Math.min(2, durationMs / 2000)
    })
    return await small(video, video.videoWidth, video.videoHeight)
  } finally {
    video.removeAttribute('src')
    video.load()
    URL.revokeObjectURL(url)
  }
}

function until(video: HTMLVideoElement, event: 'seeked', start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing to see')), PATIENCE_MS)
    video.addEventListener(event, () => resolve(), { once: true })
    video.addEventListener('error', () => reject(video.error ?? new Error('not playable')), { once: true })
    video.addEventListener(event, () => clearTimeout(timer), { once: true })
    start()
  })
}

function small(image: CanvasImageSource, width: number, height: number): Promise<Blob | null> {
  if (width === 0 || height === 0) return Promise.resolve(null)
  const scale = Math.min(1, WIDTH / width)
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(width * scale)
  canvas.height = Math.round(height * scale)
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.8))
}
