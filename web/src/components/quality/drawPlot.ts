import type UPlot from 'uplot'

const HEIGHT = 92

/**
 * Draws lines over time (seconds since 1970 first, then one column for each line), in the colours of the page. The scale reaches up to `least`
 * at least, so that next to nothing does not look like much.
 */
export function drawPlot(
  Plot: typeof UPlot,
  place: HTMLElement,
  width: number,
  data: UPlot.AlignedData,
  value: (value: number) => string,
  least: number,
): UPlot {
  const colours = getComputedStyle(place)
  const token = (name: string) => colours.getPropertyValue(name).trim()
  const grid = { stroke: token('--line'), width: 1 }
  const axis = { stroke: token('--ink-soft'), font: `11px ${token('--font') || 'sans-serif'}`, grid, ticks: { show: false } }
  const strokes = [token('--path-direct'), token('--path-relay')]
  return new Plot(
    {
      width: Math.floor(width),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 8, 0, 0],
      scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, least)] } },
      axes: [
        { ...axis, size: 20, space: 80, values: (_, ticks) => ticks.map((at) => new Date(at * 1000).toTimeString().slice(0, 5)) },
        { ...axis, size: 68, space: 28, values: (_, ticks) => ticks.map(value) },
      ],
      series: [{}, ...data.slice(1).map((_, i) => ({ stroke: strokes[i], width: 2, spanGaps: false, points: { show: false } }))],
    },
    data,
    place,
  )
}
