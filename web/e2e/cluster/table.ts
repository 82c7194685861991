import type { Step } from './plan'
import { seconds, type Outcome } from './walker'

const HEAD = ['step', 'took', 'who', 'no new frame', 'no sound', 'made-up sound', 'not looked', 'lost/received', 'lines sent/arrived/doubled', 'reconnects', 'line away', 'connection']

/** One table of what the steps did to the call. Spans are the longest ones. */
export function table(rows: { step: Step; tookMs: number; outcomes: Outcome[] }[]): string {
  const cells = rows.flatMap(({ step, tookMs, outcomes }) =>
    outcomes.map((of, index) => [
      index ? '' : step.name,
      index ? '' : seconds(tookMs),
      of.who,
      seconds(of.noFrame),
      seconds(of.noSound),
      `${(100 * of.concealed).toFixed(1)} %`,
      seconds(of.blink),
      `${of.lost}/${of.received}`,
      `${of.sent}/${of.arrived}/${of.doubled}`,
      of.sockets.tried === of.sockets.answered ? `${of.sockets.answered}` : `${of.sockets.answered} of ${of.sockets.tried}`,
      seconds(of.lineAway),
      [of.replaced && `replaced ${of.replaced}×`, of.restarted && `ICE restarted ${of.restarted}×`].filter(Boolean).join(', ') || 'the same',
    ]),
  )
  const widths = HEAD.map((head, column) => Math.max(head.length, ...cells.map((row) => row[column]!.length)))
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n')
}
