import { arrange, contained, covering, type Box, type Size } from './layout'
import { short, type Scene, type ScenePerson } from './scene'

// The dark call's colours: a recording must not change with its maker's theme.
const GROUND = '#0d1211'
const SURFACE = '#161d1b'
const INK = '#f7faf8'
const SCRIM = 'rgb(8 12 11 / 72%)'
const FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'

/** What of a track can be drawn now; null until its first picture is there. */
export type PictureOf = (track: MediaStreamTrack) => { image: CanvasImageSource; size: Size } | null

type Context = CanvasRenderingContext2D

/** Paints the scene as it is now. Cameras fill their tiles as on the page; a single one is shown whole. */
export function paint(context: Context, size: Size, scene: Scene, pictureOf: PictureOf): void {
  const { screens, people } = arrange(scene.screens.length, scene.people.length, size)
  context.fillStyle = GROUND
  context.fillRect(0, 0, size.width, size.height)
  scene.screens.forEach(({ track, name }, index) => {
    const box = screens[index]!
    fill(context, box, SURFACE)
    const picture = pictureOf(track)
    if (picture) drawWhole(context, picture, box)
    if (name) label(context, box, name, size)
  })
  const alone = scene.screens.length === 0 && scene.people.length === 1
  people.forEach((box, index) => paintPerson(context, box, scene.people[index]!, size, pictureOf, alone))
}

function paintPerson(context: Context, box: Box, person: ScenePerson, size: Size, pictureOf: PictureOf, whole: boolean): void {
  fill(context, box, SURFACE)
  const picture = person.camera && pictureOf(person.camera)
  if (!picture) disc(context, box, person)
  else if (whole) drawWhole(context, picture, box)
  else {
    const part = covering(picture.size, box)
    context.drawImage(picture.image, part.x, part.y, part.width, part.height, box.x, box.y, box.width, box.height)
  }
  label(context, box, person.name, size)
}

function fill(context: Context, { x, y, width, height }: Box, colour: string): void {
  context.fillStyle = colour
  context.fillRect(x, y, width, height)
}

function drawWhole(context: Context, { image, size }: NonNullable<ReturnType<PictureOf>>, box: Box): void {
  const at = contained(size, box)
  context.drawImage(image, at.x, at.y, at.width, at.height)
}

function disc(context: Context, box: Box, { initials, ground }: ScenePerson): void {
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  const radius = Math.min(box.width, box.height) * 0.17
  context.fillStyle = ground
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
  context.fill()
  context.fillStyle = INK
  context.font = `600 ${Math.round(radius * 0.72)}px ${FONT}`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillText(initials, x, y, radius * 1.8)
}

function label(context: Context, box: Box, name: string, size: Size): void {
  const unit = size.height / 720
  const [font, pad, edge] = [17 * unit, 10 * unit, 10 * unit]
  const most = box.width - 2 * (edge + pad)
  if (most <= 0) return
  context.font = `500 ${font}px ${FONT}`
  context.textAlign = 'left'
  context.textBaseline = 'middle'
  const words = fitting(context, short(name), most)
  const [width, height] = [context.measureText(words).width + 2 * pad, font * 1.7]
  const [x, y] = [box.x + edge, box.y + box.height - edge - height]
  context.fillStyle = SCRIM
  context.beginPath()
  context.roundRect(x, y, width, height, height / 2)
  context.fill()
  context.fillStyle = INK
  context.fillText(words, x + pad, y + height / 2)
}

/** As many of the letters as fit, found by halves: it is done for every name in every picture. */
function fitting(context: Context, words: string, most: number): string {
  if (context.measureText(words).width <= most) return words
  const letters = [...words]
  const cut = (count: number) => `${letters.slice(0, count).join('')}…`
  let [fits, tooMany] = [0, letters.length]
  while (tooMany - fits > 1) {
    const half = (fits + tooMany) >> 1
    if (context.measureText(cut(half)).width <= most) fits = half
    else tooMany = half
  }
  return cut(fits)
}
