/** Blocks of IPv4 addresses, as numbers. Pure. */
export interface Block {
  /** The first address. */
  readonly start: number;
  /** Bits of the network part, 0 to 32. */
  readonly prefix: number;
}

/**
 * Reads `10.20.0.0/16`.
 *
 * @returns undefined where it is no block: an octet above 255, a prefix above 32, or an address that is not the first one
 */
export function parseBlock(text: string): Block | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const [octets, prefix] = [match?.slice(1, 5).map(Number) ?? [], Number(match?.[5])];
  if (match === null || octets.some((octet) => octet > 255) || prefix > 32) {
    return undefined;
  }
  const start = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return start % sizeOf(prefix) === 0 ? { start, prefix } : undefined;
}

export function formatBlock({ start, prefix }: Block): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
}

/** Addresses of a block. */
export function sizeOf(prefix: number): number {
  return 2 ** (32 - prefix);
}

export function overlaps(a: Block, b: Block): boolean {
  return a.start < b.start + sizeOf(b.prefix) && b.start < a.start + sizeOf(a.prefix);
}

export function contains(outer: Block, inner: Block): boolean {
  return outer.prefix <= inner.prefix && overlaps(outer, inner);
}

/** The n-th of the blocks of `prefix` bits that a block is divided into. */
export function subBlock(block: Block, prefix: number, index: number): Block {
  if (prefix < block.prefix || index < 0 || index >= 2 ** (prefix - block.prefix)) {
    throw new Error(`${formatBlock(block)} has no block ${index} of /${prefix}`);
  }
  return { start: block.start + index * sizeOf(prefix), prefix };
}

/** The blocks of RFC 1918: what may be an address of a private network. */
export const PRIVATE_BLOCKS: readonly Block[] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(knownBlock);

/** A block written in this program. */
export function knownBlock(text: string): Block {
  const block = parseBlock(text);
  if (block === undefined) {
    throw new Error(`${text} is no block of addresses`);
  }
  return block;
}
