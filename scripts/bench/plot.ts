import { COLOURS, escapeXml, renderSvg, round, shown, WIDTH } from "./svg.ts";

/** A line of a plot. */
export interface Series {
  readonly name: string;
  /** In order of x; those that are not finite are left out. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  /** Names the axis and its unit. */
  readonly xLabel: string;
  readonly yLabel: string;
  /** At most as many as there are {@link STYLES}. */
  readonly series: readonly Series[];
  /** `steps` holds each value until the next point, as a count does. @default lines */
  readonly shape?: "lines" | "steps";
  /** @default linear */
  readonly yScale?: "linear" | "log";
  /** Where the y axis begins. @default the lowest value, or just below it */
  readonly yFrom?: number;
}

/** Told apart by the dashes as well. */
const STYLES = [
  { colour: COLOURS[0], dash: "" },
  { colour: COLOURS[1], dash: "7 4" },
  { colour: COLOURS[2], dash: "2 3" },
  { colour: COLOURS[3], dash: "9 3 2 3" },
] as const;

const HEIGHT = 400;
const AREA = { left: 72, right: WIDTH - 20, top: 44, bottom: HEIGHT - 52 } as const;

/** Of plots that share the x axis: how high the area of each is, and how far apart two are. */
const PANEL = { height: 190, gap: 28 } as const;

const TICKS = 6;

/** A plot as the text of an SVG file. The same plot gives the same text. */
export function renderPlot(plot: Plot): string {
  return renderSvg(plot.title, HEIGHT, AREA.left, [
    ...panel(plot, xTicksOf([plot]), AREA.top, AREA.bottom, true),
    xLabel(plot, HEIGHT),
  ]);
}

/** Plots one below the other on one x axis: the first one's title and the last one's label of the axis are shown. */
export function renderPanels(plots: readonly Plot[]): string {
  const [first, last] = [plots[0], plots.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError("there are no plots");
  const height = AREA.top + plots.length * PANEL.height + (plots.length - 1) * PANEL.gap + HEIGHT - AREA.bottom;
  const xTicks = xTicksOf(plots);
  const panels = plots.flatMap((plot, at) => {
    const top = AREA.top + at * (PANEL.height + PANEL.gap);
    return panel(plot, xTicks, top, top + PANEL.height, plot === last);
  });
  return renderSvg(first.title, height, AREA.left, [...panels, xLabel(last, height)]);
}

function xTicksOf(plots: readonly Plot[]): number[] {
  const points = plots.flatMap(({ series }) => series.flatMap((each) => each.points)).filter(isFinitePoint);
  if (points.length === 0) throw new RangeError(`there is nothing to plot in "${plots[0]?.title}"`);
  return linearTicks(Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x)));
}

function xLabel(plot: Plot, height: number): string {
  return `<text x="${(AREA.left + AREA.right) / 2}" y="${height - 12}" text-anchor="middle">${escapeXml(plot.xLabel)}</text>`;
}

/** The axes and lines of a plot between two heights; the numbers below the x axis where they are asked for. */
function panel(plot: Plot, xTicks: readonly number[], top: number, bottom: number, xNumbers: boolean): string[] {
  if (plot.series.length > STYLES.length) {
    throw new RangeError(`a plot has at most ${STYLES.length} series, not ${plot.series.length}`);
  }
  const points = plot.series.flatMap((series) => series.points).filter(isFinitePoint);
  if (points.length === 0) throw new RangeError(`there is nothing to plot in "${plot.title}"`);
  const [lowest, highest] = [Math.min(...points.map(([, y]) => y)), Math.max(...points.map(([, y]) => y))];
  const from = plot.yFrom ?? lowest;
  const yTicks = plot.yScale === "log" ? logTicks(from, highest) : linearTicks(from, highest);
  const x = scale(xTicks, AREA.left, AREA.right, (value) => value);
  const y = scale(yTicks, bottom, top, plot.yScale === "log" ? Math.log : (value) => value);
  return [
    ...yTicks.flatMap((tick) => [
      `<line class="grid" x1="${AREA.left}" x2="${AREA.right}" y1="${y(tick)}" y2="${y(tick)}"/>`,
      `<text x="${AREA.left - 8}" y="${y(tick)}" text-anchor="end" dominant-baseline="middle">${shown(tick)}</text>`,
    ]),
    ...(xNumbers
      ? xTicks.map((tick) => `<text x="${x(tick)}" y="${bottom + 20}" text-anchor="middle">${shown(tick)}</text>`)
      : []),
    `<polyline class="axis" fill="none" points="${AREA.left},${top} ${AREA.left},${bottom} ${AREA.right},${bottom}"/>`,
    `<text transform="translate(18 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeXml(plot.yLabel)}</text>`,
    ...plot.series.map(
      ({ points }, at) =>
        `<polyline class="line" ${stroke(at)} points="${path(points, plot.shape ?? "lines", x, y)}"/>`,
    ),
    ...(plot.series.length > 1 ? legend(plot.series, top) : []),
  ];
}

function legend(series: readonly Series[], top: number): string[] {
  const width = 38 + 7.5 * Math.max(...series.map(({ name }) => name.length));
  const left = AREA.right - width;
  return series.flatMap(({ name }, at) => {
    const y = top + 12 + 20 * at;
    return [
      `<line class="line" ${stroke(at)} x1="${round(left)}" x2="${round(left + 30)}" y1="${y}" y2="${y}"/>`,
      `<text x="${round(left + 38)}" y="${y}" dominant-baseline="middle">${escapeXml(name)}</text>`,
    ];
  });
}

function stroke(at: number): string {
  const { colour, dash } = STYLES[at]!;
  return `stroke="${colour}"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}`;
}

type Scale = (value: number) => number;

function path(points: Series["points"], shape: "lines" | "steps", x: Scale, y: Scale): string {
  const drawn: string[] = [];
  let before: number | undefined;
  for (const [at, value] of points.filter(isFinitePoint)) {
    if (shape === "steps" && before !== undefined) drawn.push(`${x(at)},${y(before)}`);
    drawn.push(`${x(at)},${y(value)}`);
    before = value;
  }
  return drawn.join(" ");
}

function isFinitePoint([x, y]: readonly [number, number]): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

function scale(ticks: readonly number[], from: number, to: number, by: Scale): Scale {
  const [low, high] = [by(ticks[0]!), by(ticks.at(-1)!)];
  return (value) => round(from + ((by(value) - low) / (high - low)) * (to - from));
}

/** Round numbers from one at or below `low` to one at or above `high`, evenly spaced; at least two. */
export function linearTicks(low: number, high: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const size = 10 ** Math.floor(Math.log10(span / (TICKS - 1)));
  const step = [1, 2, 5, 10].map((factor) => factor * size).find((each) => span / each <= TICKS - 1) ?? 10 * size;
  const [first, last] = [Math.floor(low / step), Math.max(Math.ceil(high / step), Math.floor(low / step) + 1)];
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** The same for a logarithmic axis: 1, 2 and 5 of each power of ten. Both must be above 0. */
export function logTicks(low: number, high: number): number[] {
  if (!(low > 0)) throw new RangeError(`a logarithmic axis has no ${low}`);
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power += 1) {
    all.push(...[1, 2, 5].map((factor) => Number((factor * 10 ** power).toPrecision(12))));
  }
  const first = all.findLastIndex((tick) => tick <= low);
  const last = all.findIndex((tick, at) => tick >= high && at > first);
  return all.slice(first, last + 1);
}
