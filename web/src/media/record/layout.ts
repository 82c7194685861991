// Where everything stands in a picture of fixed size.

export interface Size {
  width: number
  height: number
}

export interface Box extends Size {
  x: number
  y: number
}

export interface Arrangement {
  screens: Box[]
  people: Box[]
}

/** px between neighbours, for a picture 1280 px wide. */
const GAP = 8
/** The part of the width that people take beside a screen. */
const STRIP = 0.2
/** More than this many beside a screen could not be told apart. */
const MOST_IN_STRIP = 6

/** Screens fill the picture with people in a strip beside; without one, people share it in equal tiles. */
export function arrange(screens: number, people: number, size: Size): Arrangement {
  const gap = Math.round((GAP * size.width) / 1280)
  const whole: Box = { x: 0, y: 0, ...size }
  if (screens === 0) return { screens: [], people: grid(people, whole, gap) }
  if (people === 0) return { screens: grid(screens, whole, gap), people: [] }
  const strip = Math.round(size.width * STRIP)
  const stage: Box = { x: 0, y: 0, width: size.width - strip - gap, height: size.height }
  const side: Box = { x: size.width - strip, y: 0, width: strip, height: size.height }
  return { screens: grid(screens, stage, gap), people: column(Math.min(people, MOST_IN_STRIP), side, gap) }
}

/** The largest 16:9 pictures that fit, the last row in the middle. */
export function grid(count: number, area: Box, gap: number): Box[] {
  if (count === 0) return []
  const columns = bestColumns(count, area, gap)
  const rows = Math.ceil(count / columns)
  const width = (area.width - gap * (columns - 1)) / columns
  const height = (area.height - gap * (rows - 1)) / rows
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns)
    const inRow = row === rows - 1 ? count - columns * (rows - 1) : columns
    const indent = ((columns - inRow) * (width + gap)) / 2
    return rounded({ x: area.x + indent + (index % columns) * (width + gap), y: area.y + row * (height + gap), width, height })
  })
}

export function bestColumns(count: number, area: Size, gap: number): number {
  let best = 1
  let largest = -1
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns)
    const width = (area.width - gap * (columns - 1)) / columns
    const height = (area.height - gap * (rows - 1)) / rows
    const seen = Math.min(width, (height * 16) / 9)
    if (seen > largest) {
      largest = seen
      best = columns
    }
  }
  return best
}

function column(count: number, area: Box, gap: number): Box[] {
  const height = Math.min((area.width * 3) / 4, (area.height - gap * (count - 1)) / count)
  return Array.from({ length: count }, (_, index) => rounded({ ...area, y: area.y + index * (height + gap), height }))
}

function rounded({ x, y, width, height }: Box): Box {
  const [left, top] = [Math.round(x), Math.round(y)]
  return { x: left, y: top, width: Math.round(x + width) - left, height: Math.round(y + height) - top }
}

/** The part of a picture that fills a box without changing its shape. */
export function covering(picture: Size, box: Size): Box {
  const scale = Math.max(box.width / picture.width, box.height / picture.height)
  const [width, height] = [box.width / scale, box.height / scale]
  return { x: (picture.width - width) / 2, y: (picture.height - height) / 2, width, height }
}

/** Where in a box a picture stands whole. */
export function contained(picture: Size, box: Box): Box {
  const scale = Math.min(box.width / picture.width, box.height / picture.height)
  const [width, height] = [picture.width * scale, picture.height * scale]
  return { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height }
}
