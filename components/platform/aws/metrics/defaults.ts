/** Seconds between two looks at a target. What the platform shows changes slowly, and each sample has its price. */
export const SCRAPE_SECONDS = 30;

/** A group of alerts is told of after, and again after, this long. */
export const GROUP_WAIT = "30s";
export const GROUP_INTERVAL = "5m";
export const REPEAT_INTERVAL = "4h";

/** Severities that reach somebody; `info` is for whoever looks. */
export const TOLD_SEVERITIES = ["critical", "warning"] as const;
