// How many columns of tiles fill an area best.

export interface Area {
  width: number
  height: number
}

export interface Grid {
  columns: number
  rows: number
}

/** The grid in which `count` pictures are largest, with `gap` px between their tiles. */
export function tileGrid(count: number, area: Area, gap: number): Grid {
  // Cameras give 4:3 or wider, but on an upright page a face in a square serves better than a whole picture in a slit.
  const shape = area.width > area.height ? 4 / 3 : 1
  let best: Grid = { columns: 1, rows: Math.max(1, count) }
  let largest = -1
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns)
    const width = (area.width - gap * (columns - 1)) / columns
    const height = (area.height - gap * (rows - 1)) / rows
    // A tile is stretched to its cell, so what counts is the part of the picture that stays visible.
    const visible = Math.min(width, height * shape) ** 2 / shape
    if (visible > largest) {
      largest = visible
      best = { columns, rows }
    }
  }
  return best
}
