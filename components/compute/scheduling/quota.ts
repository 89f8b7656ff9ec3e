import type { QuotaSpec } from "../../../stacks/scheduling.ts";
import { type Amounts, mebibytesOf, milliOf, type PoolSupply } from "./supply.ts";

/** What a team has of one pool, of every resource the pool has. */
export interface Quota {
  readonly pool: string;
  readonly nominal: Amounts;
  /** Beyond `nominal`, of what others leave idle, at most. @default all there is */
  readonly borrowing?: Amounts;
  /** Of `nominal`, what others may use while it lies idle, at most. @default all */
  readonly lending?: Amounts;
}

/**
 * A team's quota of a pool, whole: what the stack leaves out of cores and memory is the team's share of the pool by its
 * devices, `floor(total * accelerators / devices)`, and so are EFA interfaces and huge pages. Rounded down, so that the shares
 * of all teams together are never more than there is. Limits of borrowing and lending are said in devices, and hold for the
 * rest in proportion; of borrowing rounded up, or a device could be borrowed but not the cores for it.
 *
 * A pool without devices has no such share: there cores and memory are as written, and 0 otherwise; `validateScheduling`
 * refuses a quota that leaves them out.
 */
export function resolveQuota(quota: QuotaSpec, supply: PoolSupply): Quota {
  const { device, total } = supply;
  const devices = device === undefined ? 0 : (total[device] ?? 0);
  const accelerators = quota.accelerators ?? 0;
  const share = (of: number, round: (value: number) => number): Amounts =>
    Object.fromEntries(
      Object.entries(total).map(([name, amount]) => [
        name,
        name === device ? of : devices === 0 ? 0 : round((amount * of) / devices),
      ]),
    );
  const nominal: Amounts = {
    ...share(accelerators, Math.floor),
    ...(quota.cpu === undefined ? {} : { cpu: milliOf(quota.cpu) }),
    ...(quota.memoryGiB === undefined ? {} : { memory: mebibytesOf(quota.memoryGiB) }),
  };
  return {
    pool: quota.pool,
    nominal,
    ...(quota.borrow === undefined ? {} : { borrowing: share(quota.borrow, Math.ceil) }),
    ...(quota.lend === undefined ? {} : { lending: lendingOf(nominal, quota.lend, accelerators) }),
  };
}

/** Of each resource of a quota the part that `lend` is of its devices. */
function lendingOf(nominal: Amounts, lend: number, accelerators: number): Amounts {
  const fraction = accelerators === 0 ? 0 : Math.min(1, lend / accelerators);
  return Object.fromEntries(Object.entries(nominal).map(([name, amount]) => [name, Math.floor(amount * fraction)]));
}

/**
 * What a team may have of a pool at most, by resource: its own quota and, where quotas can be borrowed, what the others lend,
 * up to its own limit. What no quota names is nobody's to borrow.
 *
 * @param others the quotas of the other teams of the same pool
 */
export function reachOf(own: Quota, others: readonly Quota[], canBorrow: boolean): Amounts {
  return Object.fromEntries(
    Object.entries(own.nominal).map(([name, nominal]) => {
      const lent = others.reduce((sum, { nominal: all, lending }) => sum + ((lending ?? all)[name] ?? 0), 0);
      const borrowed = canBorrow ? Math.min(lent, own.borrowing?.[name] ?? Number.POSITIVE_INFINITY) : 0;
      return [name, nominal + borrowed];
    }),
  );
}
