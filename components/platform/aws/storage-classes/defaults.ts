/** The class of volumes for many nodes at the same time: each claim is a file system of FSx for Lustre. */
export const LUSTRE_CLASS = "lustre";

/** The class of volumes for one node at a time, and of claims that name no class. */
export const BLOCK_CLASS = "block";
