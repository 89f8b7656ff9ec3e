import type { PoolSpec } from "../../../../stacks/pools.ts";
import type { Problem } from "../../../core/problem.ts";
import { NODE_GROUP_UNAVAILABLE } from "../defaults.ts";

/** What is wrong with what may be done to a pool's nodes while they work. */
export function disruptionProblems(pool: PoolSpec): Problem[] {
  const { disruption, provisioning } = pool;
  const problems: Problem[] = [];
  if (provisioning.kind !== "karpenter") {
    const why = "must be left out: only Karpenter takes nodes away by itself.";
    if (disruption.closed.length > 0) {
      problems.push({ path: "disruption.closed", message: why, value: disruption.closed });
    }
    if (disruption.expireHours !== undefined) {
      problems.push({ path: "disruption.expireHours", message: why, value: disruption.expireHours });
    }
  }
  return [
    ...problems,
    ...(provisioning.kind === "nodeGroup" ? unavailableProblems(disruption.maxUnavailable) : []),
    ...disruption.closed.flatMap(({ schedule, hours }, index) => windowProblems(schedule, hours, index)),
  ];
}

function unavailableProblems(value: string): Problem[] {
  const number = Number.parseInt(value, 10);
  if (number >= 1 && number <= NODE_GROUP_UNAVAILABLE) {
    return [];
  }
  const message = `must be from 1 to ${NODE_GROUP_UNAVAILABLE} nodes, or percent of them, in a node group: EKS updates it by taking nodes away.`;
  return [{ path: "disruption.maxUnavailable", message, value }];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS = [
  { name: "a minute", from: 0, to: 59, words: [] },
  { name: "an hour", from: 0, to: 23, words: [] },
  { name: "a day of the month", from: 1, to: 31, words: [] },
  { name: "a month", from: 1, to: 12, words: MONTHS },
  { name: "a day of the week", from: 0, to: 6, words: DAYS },
] as const;

const HOURS_A_DAY = 24;
const HOURS_A_WEEK = 168;

/** A window must begin at a time there is, and end before it begins again, or nothing is ever done to a node. */
function windowProblems(schedule: string, hours: number, index: number): Problem[] {
  const path = `disruption.closed[${index}]`;
  const fields = schedule.split(" ");
  const wrong = FIELDS.flatMap(({ name, from, to, words }, place) =>
    isField(fields[place] ?? "", from, to, words)
      ? []
      : [
          {
            path: `${path}.schedule`,
            message: `must have ${name} from ${from} to ${to}, a range, a list or a step of them; this is ${JSON.stringify(fields[place])}.`,
            value: schedule,
          },
        ],
  );
  if (wrong.length > 0) {
    return wrong;
  }
  const [, , dayOfMonth, month, dayOfWeek] = fields;
  if (dayOfMonth !== "*" || month !== "*") {
    return [];
  }
  const period = dayOfWeek === "*" ? HOURS_A_DAY : HOURS_A_WEEK;
  if (hours < period) {
    return [];
  }
  const message = `must be less than ${period}, after which it begins again: it would never open, and no node would ever be replaced.`;
  return [{ path: `${path}.hours`, message, value: hours }];
}

/** One field of a cron expression: `*`, numbers or names, ranges, steps and lists of them. */
function isField(text: string, from: number, to: number, words: readonly string[]): boolean {
  return text.split(",").every((part) => {
    const match = /^(?:\*|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:\/(\d+))?$/i.exec(part);
    if (match === null) {
      return false;
    }
    const [first, last] = [match[1], match[2]].map((value) => numberOf(value, from, words));
    const isWithin = (value: number | undefined) => value === undefined || (value >= from && value <= to);
    const isRising = first === undefined || last === undefined || first <= last;
    return isWithin(first) && isWithin(last) && isRising && (match[3] === undefined || Number(match[3]) > 0);
  });
}

/** Not a number for a word that is no name of the field's: it is within no range. */
function numberOf(text: string | undefined, from: number, words: readonly string[]): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const word = words.indexOf(text.toLowerCase());
  return word >= 0 ? word + from : Number(text);
}
