export { type ControlPlane, type ControlPlaneOptions, startControlPlane } from "./control-plane.ts";
export { datacenterEnvironment, pulumiPlaces, renderExports } from "./environment.ts";
export { type StartedCluster, startCluster } from "./start.ts";
export { type ClusterState, clusterState, nodeObstacle } from "./state.ts";
export { type StopOptions, type StoppedCluster, stopCluster } from "./stop.ts";
