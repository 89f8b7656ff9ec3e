/** Tagged images that are kept, newest first. A version that serves was built lately, or is named by its digest and pulled. */
export const KEPT_IMAGES = 100;

/** Days until layers that no tag names are removed. */
export const UNTAGGED_DAYS = 14;
