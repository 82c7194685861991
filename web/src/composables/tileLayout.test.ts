import { describe, expect, it } from 'vitest'
import { tileGrid } from './tileLayout'

const wide = { width: 1440, height: 780 }
const narrow = { width: 390, height: 700 }

describe('the grid of tiles', () => {
  it.each([
    [1, 1, 1],
    [2, 2, 1],
    [3, 2, 2],
    [4, 2, 2],
    [6, 3, 2],
    [9, 3, 3],
  ])('%i on a wide page: %i by %i', (count, columns, rows) => {
    expect(tileGrid(count, wide, 8)).toEqual({ columns, rows })
  })

  it.each([
    [1, 1, 1],
    [2, 1, 2],
    [3, 1, 3],
    [4, 2, 2],
    [6, 2, 3],
  ])('%i on a narrow page: %i by %i', (count, columns, rows) => {
    expect(tileGrid(count, narrow, 8)).toEqual({ columns, rows })
  })

  it('has a cell even before the area is measured', () => {
    expect(tileGrid(3, { width: 0, height: 0 }, 8).columns).toBeGreaterThan(0)
    expect(tileGrid(0, wide, 8)).toEqual({ columns: 1, rows: 1 })
  })
})
