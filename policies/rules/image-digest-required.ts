import { containerRule } from "./rule.ts";

const DIGEST = /@sha256:[0-9a-f]{64}$/;

/** A tag can be moved; a digest names the bytes. */
export const imageDigestRequired = containerRule({
  name: "image-digest-required",
  description: "Every container's image is named by its digest, so that what runs is what was reviewed.",
  severity: "high",
  tags: ["security", "supply-chain"],
  remediationSteps: "Name the image as repository@sha256:..., for one built here the reference of its WorkloadImage.",
  judge: (container, { isPatch }) => {
    const image = container.get("image");
    if (image === undefined || image === null) {
      return isPatch ? [] : ["names no image"];
    }
    return typeof image === "string" && DIGEST.test(image)
      ? []
      : [`has the image ${JSON.stringify(image)} without a digest`];
  },
});
