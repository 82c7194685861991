// Two drawn people in their rooms, as the cameras of the README's picture would see them.

export type Who = 'reader' | 'gardener'

interface Look {
  wall: string
  skin: string
  shade: string
  hair: string
  coat: [string, string]
  long: boolean
  glasses: boolean
  sway: number
}

const LOOKS: Record<Who, Look> = {
  gardener: {
    wall: '#e6d3bf', skin: '#e3ab86', shade: '#c98d68', hair: '#3b2620', coat: ['#e0a83c', '#c78d28'], long: true, glasses: false, sway: 1,
  },
  reader: {
    wall: '#a9c0c5', skin: '#c68a63', shade: '#a56d4a', hair: '#211a19', coat: ['#2f6f68', '#24574f'], long: false, glasses: true, sway: -1,
  },
}

export interface FilmOptions {
  look: Look
  width: number
  height: number
  frames: number
}

export function filmOptions(who: Who, size: { width: number; height: number }, frames: number): FilmOptions {
  return { look: LOOKS[who], ...size, frames }
}

/** Draws the film in a page and gives its frames, each as base64 of I420. Runs in the browser, so it stands by itself. */
export async function film({ look, width, height, frames }: FilmOptions): Promise<string[]> {
  const canvas = new OffscreenCanvas(width, height)
  const pen = canvas.getContext('2d', { willReadFrequently: true })!

  const ellipse = (x: number, y: number, rx: number, ry: number, fill: string | CanvasGradient, turn = 0) => {
    pen.fillStyle = fill
    pen.beginPath()
    pen.ellipse(x, y, rx, ry, turn, 0, 2 * Math.PI)
    pen.fill()
  }
  const shape = (path: string, fill: string | CanvasGradient) => {
    pen.fillStyle = fill
    pen.fill(new Path2D(path))
  }
  const line = (path: string, stroke: string, thickness: number) => {
    pen.strokeStyle = stroke
    pen.lineWidth = thickness
    pen.lineCap = 'round'
    pen.stroke(new Path2D(path))
  }
  const fade = (x0: number, y0: number, x1: number, y1: number, ...colours: string[]) => {
    const gradient = pen.createLinearGradient(x0, y0, x1, y1)
    colours.forEach((colour, n) => gradient.addColorStop(n / (colours.length - 1), colour))
    return gradient
  }
  const box = (x: number, y: number, w: number, h: number, fill: string | CanvasGradient, round = 0) => {
    pen.fillStyle = fill
    pen.beginPath()
    pen.roundRect(x, y, w, h, round)
    pen.fill()
  }

  function gardenRoom(): void {
    // A window with hills in the evening.
    box(880, 60, 330, 400, '#f6efe6', 10)
    box(900, 80, 290, 360, fade(0, 80, 0, 440, '#8fc3dd', '#f7d9b0', '#f3b98a'))
    pen.save()
    pen.beginPath()
    pen.rect(900, 80, 290, 360)
    pen.clip()
    ellipse(1110, 300, 34, 34, '#fff1cf')
    ellipse(980, 500, 190, 150, '#7fa37c')
    ellipse(1170, 510, 180, 140, '#5f8a68')
    pen.restore()
    box(1038, 80, 14, 360, '#f6efe6')
    box(900, 250, 290, 12, '#f6efe6')
    box(860, 456, 370, 22, '#f0e4d6', 6)
    // A plant on the floor.
    for (let n = 0; n < 9; n++) {
      const turn = -1.15 + n * 0.29
      ellipse(170 + Math.sin(turn) * 130, 548 - Math.cos(turn) * 150, 30, 118, n % 2 ? '#4f8a5f' : '#3c7450', turn)
    }
    shape('M92 560h156l-22 160H114Z', fade(92, 0, 248, 0, '#cf7f57', '#b5653f'))
    box(84, 540, 172, 36, '#d68b63', 6)
  }

  function readingRoom(): void {
    // Shelves.
    const books = ['#d9774f', '#e7c25a', '#f2ece0', '#3f6f7d', '#86a873', '#b8514b', '#57406b', '#e0b088']
    for (const [row, y] of [150, 330].entries()) {
      for (let n = 0; n < 11; n++) {
        const tall = 96 + ((n * 37 + row * 53) % 44)
        box(60 + n * 30, y - tall, 25, tall, books[(n * 5 + row * 3) % books.length]!, 3)
      }
      box(40, y, 370, 16, '#6d4a35', 4)
    }
    // A lamp and its light.
    const glow = pen.createRadialGradient(1080, 230, 20, 1080, 230, 380)
    glow.addColorStop(0, 'rgba(255, 231, 178, 0.85)')
    glow.addColorStop(1, 'rgba(255, 231, 178, 0)')
    ellipse(1080, 230, 380, 380, glow)
    box(1074, 260, 12, 460, '#4b3a33')
    shape('M1020 130h120l48 140H972Z', fade(0, 130, 0, 270, '#fff4d8', '#f4cf8a'))
  }

  function person(time: number): void {
    const swing = Math.sin(time * 2 * Math.PI) * look.sway
    const blinks = time > 0.46 && time < 0.54
    const { skin, shade, hair } = look
    // Shoulders barely move; the head does.
    shape(`M250 740C262 560 400 500 ${640 + swing * 3} 500S1018 560 1030 740Z`, fade(250, 500, 1030, 740, ...look.coat))
    pen.save()
    pen.translate(640 + swing * 7, 560)
    pen.rotate(swing * 0.022)
    pen.translate(-640, -560)
    if (look.long) shape('M474 300C462 130 560 70 640 70s190 60 172 240c-8 80 6 150 20 220-60 40-320 40-384 0 16-70 34-140 26-230Z', hair)
    shape('M592 420h96v116c0 36-24 54-48 54s-48-18-48-54Z', shade)
    ellipse(512, 300, 22, 34, shade)
    ellipse(768, 300, 22, 34, shade)
    ellipse(640, 296, 130, 162, skin)
    ellipse(566, 350, 30, 20, 'rgba(217, 98, 80, 0.22)')
    ellipse(714, 350, 30, 20, 'rgba(217, 98, 80, 0.22)')
    for (const side of [-1, 1]) {
      const x = 640 + side * 54
      if (blinks) line(`M${x - 16} 292q16 8 32 0`, hair, 6)
      else {
        ellipse(x, 292, 17, 12, '#fffaf3')
        ellipse(x + swing * 2, 292, 10.5, 11.5, '#35251f')
        ellipse(x + 4 + swing * 2, 286, 3.5, 3.5, '#ffffff')
      }
      line(`M${x - 24} ${252 - side * 2}q24 -14 48 ${side * 2}`, hair, 9)
      if (look.glasses) {
        pen.strokeStyle = '#2c2a2c'
        pen.lineWidth = 7
        pen.beginPath()
        pen.roundRect(x - 42, 258, 84, 66, 26)
        pen.stroke()
      }
    }
    if (look.glasses) line('M628 282q12 -8 24 0', '#2c2a2c', 7)
    line('M640 306q-14 34 -4 44q8 4 16 0', shade, 7)
    // Speaking, smiling.
    const open = 14 + 9 * Math.sin(time * 6 * Math.PI)
    shape(`M592 384q48 ${14 + open} 96 0q-10 ${34 + open} -48 ${36 + open}t-48 -${36 + open}Z`, '#8e3b36')
    shape('M600 389q40 20 80 0q-6 14 -40 16t-40 -16Z', '#fffaf3')
    if (look.long) {
      shape('M504 300C500 160 570 104 650 104c92 0 136 70 128 196-40-24-96-70-118-124-28 60-92 104-156 124Z', hair)
    } else {
      shape('M506 286C486 150 560 92 650 92c98 0 146 84 122 194-12-22-20-52-30-78-64 22-140 18-196-14-18 22-30 58-40 92Z', hair)
      shape('M512 330c6 106 62 146 128 146s122-40 128-146c-14 54-38 78-60 72-44-14-92-14-136 0-22 6-46-18-60-72Z', hair)
      shape(`M598 392q42 ${10 + open} 84 0q-8 ${26 + open} -42 ${28 + open}t-42 -${28 + open}Z`, '#8e3b36')
      shape('M604 396q36 16 72 0q-6 12 -36 13t-36 -13Z', '#fffaf3')
    }
    pen.restore()
  }

  function frame(time: number): Uint8Array {
    pen.setTransform(width / 1280, 0, 0, height / 720, 0, 0)
    box(0, 0, 1280, 720, look.wall)
    if (look.long) gardenRoom()
    else readingRoom()
    // A little back from the camera.
    pen.translate(640, 740)
    pen.scale(0.88, 0.88)
    pen.translate(-640, -740)
    person(time)
    return toI420(pen.getImageData(0, 0, width, height).data)
  }

  // BT.601, limited range, which is what decoders take an unmarked picture of this kind for.
  function toI420(rgba: Uint8ClampedArray): Uint8Array {
    const out = new Uint8Array((width * height * 3) / 2)
    const [u, v] = [width * height, width * height * 1.25]
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = (y * width + x) * 4
        const [r, g, b] = [rgba[at]!, rgba[at + 1]!, rgba[at + 2]!]
        out[y * width + x] = 16 + (65.7 * r + 129.1 * g + 25.1 * b) / 256
        if (y % 2 || x % 2) continue
        const chroma = (y / 2) * (width / 2) + x / 2
        out[u + chroma] = 128 + (-37.9 * r - 74.5 * g + 112.4 * b) / 256
        out[v + chroma] = 128 + (112.4 * r - 94.2 * g - 18.2 * b) / 256
      }
    }
    return out
  }

  async function base64(bytes: Uint8Array): Promise<string> {
    const reader = new FileReader()
    const read = new Promise((resolve) => (reader.onload = resolve))
    reader.readAsDataURL(new Blob([bytes as BlobPart]))
    await read
    return String(reader.result).split(',')[1]!
  }

  const film: string[] = []
  for (let n = 0; n < frames; n++) film.push(await base64(frame(n / frames)))
  return film
}
