import { expect, test } from 'vitest'
import { longestBlink, longestPause, risen, type Count } from './pause'

/** One look each 200 ms; `|` is where another connection takes over. */
function looks(...counts: (number | null | '|')[]): Count[] {
  let of = 0
  return counts.flatMap((count) => (count === '|' ? (of++, []) : [{ count, of: String(of) }])).map((look, index) => ({ ...look, at: index * 200, bound: 0 }))
}

test.each<[string, (number | null | '|')[], number]>([
  ['nothing was looked at', [], 0],
  ['one came with each look', [0, 1, 2, 3], 200],
  ['two came with each look', [0, 2, 4], 100],
  ['nothing came at all', [7, 7, 7, 7], 600],
  ['nothing came for a while', [0, 1, 1, 1, 2, 3], 600],
  ['nothing came in the end', [0, 1, 1, 1], 400],
  ['after a pause many came at once', [0, 1, 1, 1, 5], 450],
  ['nobody could tell for a while', [0, 1, null, null, 2], 600],
  ['nobody could tell at first', [null, null, 1], 400],
  ['another connection goes on at once', [0, 9, '|', 1, 2], 200],
  ['another connection has nothing at first', [0, 9, '|', 0, 0, 2], 500],
  ['another connection has as many as the last had', [0, 4, '|', 4, 8], 50],
])('the longest pause where %s', (_, counts, ms) => {
  expect(longestPause(looks(...counts))).toBe(ms)
})

test.each<[string, number, number]>([
  ['all came evenly', 0, 100],
  ['the browser measured a pause', 1_500, 1_500],
  ['the browser knows no bound', Infinity, 2_000],
])('a look came late, and %s', (_, bound, ms) => {
  const late = [[0, 0], [200, 2], [2_200, 22], [2_400, 24]].map(([at, count]) => ({ at: at!, count: count!, of: '', bound: at === 2_200 ? bound : 0 }))
  expect(longestPause(late)).toBe(ms)
  expect(longestBlink(late)).toBe(2_000)
})

test.each<[(number | null | '|')[], number]>([
  [[], 0],
  [[5, 6, 9], 4],
  [[5, null, 9], 4],
  [[5, 9, '|', 2, 3], 7],
  [[5, null, '|', null, 2], 2],
  // Packets that were thought lost may still come.
  [[5, 4], -1],
])('of %j came %i', (counts, sum) => {
  expect(risen(looks(...counts))).toBe(sum)
})
