/** Colours with enough contrast on white and on black. */
export const COLOURS = ["#d9480f", "#1c7ed6", "#2f9e44", "#ae3ec9", "#b8860b", "#0c8599"] as const;

export const WIDTH = 720;

/**
 * A drawing as the text of an SVG file. Without a background of its own, and with text and axes in a colour that follows
 * the reader's scheme, so that it can be read on light and on dark pages.
 */
export function renderSvg(title: string, height: number, titleLeft: number, content: readonly string[]): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
    "<style>",
    "  text { font: 13px system-ui, sans-serif; fill: #24292f; }",
    "  .title { font-weight: 600; font-size: 15px; }",
    "  .axis { stroke: #24292f; }",
    "  .grid { stroke: #8c959f; stroke-opacity: 0.35; }",
    "  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }",
    "  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .axis { stroke: #e6edf3; } }",
    "</style>",
    `<text class="title" x="${titleLeft}" y="24">${escapeXml(title)}</text>`,
    ...content,
    "</svg>",
  ].join("\n")}\n`;
}

/** A number as it is written beside an axis. */
export function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** A coordinate. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
