import { linearTicks } from "./plot.ts";
import { COLOURS, escapeXml, renderSvg, round, shown, WIDTH } from "./svg.ts";
import type { RunBar, Timeline } from "./timeline.ts";

const LEFT = 168;
const RIGHT = WIDTH - 48;
const TOP = 66;
const ROW = 22;
const BAR = 14;
const BELOW = 48;

const KINDS = ["dataset", "search", "training", "compression", "rollout"] as const;

/** Of the work of each kind of run, and of the command itself. */
const COLOUR_OF: Readonly<Record<(typeof KINDS)[number], string>> = {
  dataset: COLOURS[5],
  search: COLOURS[3],
  training: COLOURS[0],
  compression: COLOURS[1],
  rollout: COLOURS[2],
};
const COMMAND = "#868e96";

interface Row {
  readonly label: string;
  readonly isHead?: boolean;
  readonly bars: readonly {
    readonly from: number;
    readonly to: number;
    readonly colour: string;
    readonly waits?: boolean;
  }[];
  /** Written after the last bar. */
  readonly note?: string;
}

/** A bar a run over the seconds since the command, in rows by model, as the text of an SVG file; its wait is drawn pale. */
export function renderGantt(title: string, timeline: Timeline): string {
  const rows = rowsOf(timeline);
  const bottom = TOP + rows.length * ROW;
  const ticks = linearTicks(0, timeline.seconds);
  const x = (seconds: number) => round(LEFT + (seconds / ticks.at(-1)!) * (RIGHT - LEFT));
  return renderSvg(title, bottom + BELOW, 12, [
    ...legend(),
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${TOP}" y2="${bottom}"/>`,
      `<text x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${shown(tick)}</text>`,
    ]),
    ...rows.flatMap((row, at) => drawRow(row, TOP + at * ROW, x)),
    `<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${bottom}" y2="${bottom}"/>`,
    `<text x="${(LEFT + RIGHT) / 2}" y="${bottom + 38}" text-anchor="middle">seconds since the command</text>`,
  ]);
}

function rowsOf({ start, images, rounds, models }: Timeline): Row[] {
  return [
    { label: "npm run up", isHead: true, bars: [] },
    { label: "datacenter starts", bars: [{ ...start, colour: COMMAND }], note: seconds(start.to - start.from) },
    ...(images === null
      ? []
      : [
          {
            label: "images are built",
            bars: [{ ...images, colour: COMMAND }],
            note: seconds(images.to - images.from),
          },
        ]),
    { label: "pulumi up", bars: rounds.map((round) => ({ ...round, colour: COMMAND })) },
    ...models.flatMap(({ name, stableAt, runs }): Row[] => [
      {
        label: stableAt === null ? name : `${name}: stable after ${seconds(stableAt)}`,
        isHead: true,
        bars: [],
      },
      ...runs.map((run) => ({ label: run.label, bars: barsOf(run), note: seconds(run.to - run.from) })),
    ]),
  ];
}

function barsOf({ kind, made, from, to }: RunBar): Row["bars"] {
  const colour = kind === "trigger" ? COMMAND : COLOUR_OF[kind];
  return [
    { from: made, to: from, colour, waits: true },
    { from, to, colour },
  ];
}

function drawRow({ label, isHead, bars, note }: Row, top: number, x: (seconds: number) => number): string[] {
  const middle = top + ROW / 2;
  const name =
    isHead === true
      ? `<text x="12" y="${middle}" dominant-baseline="middle" font-weight="600" style="font-weight: 600">${escapeXml(label)}</text>`
      : `<text x="${LEFT - 10}" y="${middle}" text-anchor="end" dominant-baseline="middle">${escapeXml(label)}</text>`;
  const end = bars.at(-1)?.to;
  return [
    name,
    ...bars.map(({ from, to, colour, waits }) => {
      // A bar of no time would not be seen.
      const width = round(Math.max(waits === true ? 0 : 1.5, x(to) - x(from)));
      const opacity = waits === true ? ' fill-opacity="0.3"' : "";
      return `<rect class="bar" x="${x(from)}" y="${top + (ROW - BAR) / 2}" width="${width}" height="${BAR}" fill="${colour}"${opacity}/>`;
    }),
    ...(note === undefined || end === undefined
      ? []
      : [`<text x="${round(x(end) + 6)}" y="${middle}" dominant-baseline="middle">${note}</text>`]),
  ];
}

function legend(): string[] {
  const names = {
    dataset: "dataset",
    search: "search",
    training: "training",
    compression: "compression",
    rollout: "canary",
  };
  const entries = [
    ...KINDS.map((kind) => ({ text: names[kind], colour: COLOUR_OF[kind], opacity: 1 })),
    { text: "pale: waits for a core, starts", colour: COMMAND, opacity: 0.3 },
  ];
  let left = 12;
  return entries.flatMap(({ text, colour, opacity }) => {
    const at = left;
    left += 34 + 6.8 * text.length;
    return [
      `<rect x="${round(at)}" y="41" width="12" height="12" fill="${colour}" fill-opacity="${opacity}"/>`,
      `<text x="${round(at + 18)}" y="47" dominant-baseline="middle">${text}</text>`,
    ];
  });
}

function seconds(count: number): string {
  return count < 100
    ? `${count.toFixed(0)} s`
    : `${Math.floor(Math.round(count) / 60)}m${String(Math.round(count) % 60).padStart(2, "0")}`;
}
