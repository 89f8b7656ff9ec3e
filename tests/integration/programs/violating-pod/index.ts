import { Pod } from "@pulumi/kubernetes/core/v1/pod.js";
import { Provider } from "@pulumi/kubernetes/provider.js";

const provider = new Provider("cluster", { kubeconfig: process.env["KUBECONFIG"]!, enableServerSideApply: true });

new Pod(
  "violating",
  {
    metadata: { name: "violating", namespace: "default" },
    spec: {
      containers: [{ name: "main", image: "127.0.0.1:5000/anything:latest", securityContext: { privileged: true } }],
    },
  },
  { provider },
);
