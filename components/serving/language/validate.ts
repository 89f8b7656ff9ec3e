import type { EndpointSpec } from "../../../stacks/endpoints.ts";
import { ACCELERATORS, acceleratorsWith, servesWeightsIn } from "../../catalog/accelerators.ts";
import { servingMemory } from "../../catalog/memory.ts";
import { MODEL_ARCHITECTURES, type ModelArchitecture } from "../../catalog/model-architectures.ts";
import type { Problem } from "../../core/problem.ts";
import { nearest } from "../../core/spelling.ts";
import { validateArtifactPath } from "../../platform/artifacts.ts";
import { EFA_HUGEPAGES_GIB, READ_GB_PER_SECOND } from "./defaults.ts";
import { weightsOf } from "./engine.ts";
import { architectureOf, loadSeconds, weightsGB } from "./load.ts";
import { ALLOCATABLE_FRACTION, efaOfPod, mostThatFit, podResources, podsPerNode, usesHugepages } from "./resources.ts";
import { mostReplicas } from "./scaling.ts";
import type { Host, LanguageEndpointArgs } from "./types.ts";

/**
 * What is wrong with an endpoint, with paths from the endpoint. The pool's part is judged where the pool is known. Shared by
 * the component and by stacks/endpoint-rules.ts.
 */
export function validateLanguageEndpoint(endpoint: EndpointSpec, host?: Host): Problem[] {
  const architecture = architectureOf(endpoint);
  return [
    ...(architecture === undefined ? [unknownArchitecture(endpoint)] : architectureProblems(endpoint, architecture)),
    ...weightsProblems(endpoint),
    ...scalingProblems(endpoint),
    ...resourceProblems(endpoint),
    ...(host === undefined ? [] : hostProblems(endpoint, host)),
    ...(host === undefined || architecture === undefined ? [] : memoryProblems(endpoint, architecture, host)),
  ];
}

/** What is wrong with what an endpoint was given beside the stack's words. */
export function validateArguments({ endpoint, claimName, metrics, host }: LanguageEndpointArgs): Problem[] {
  const problems: Problem[] = [];
  if (weightsOf(endpoint).kind === "folder" && claimName === undefined) {
    const message = "must be in a bucket or a repository: there is no artifact store to mount a folder of";
    problems.push({ path: "model.weights", message, value: endpoint.model.weights });
  }
  if (endpoint.scaling.kind === "auto" && metrics === undefined) {
    const message = "must be fixed: nobody says where the numbers of waiting requests are asked for";
    problems.push({ path: "scaling.kind", message, value: "auto" });
  }
  if (host.pool !== endpoint.pool) {
    problems.push({ path: "pool", message: `must be ${host.pool}, whose nodes were given`, value: endpoint.pool });
  }
  return problems;
}

function unknownArchitecture({ model: { architecture } }: EndpointSpec): Problem {
  const names = Object.keys(MODEL_ARCHITECTURES);
  const meant = nearest(architecture, names);
  const advice =
    meant === undefined
      ? "a row for another one goes into components/catalog/model-architectures.ts."
      : `did you mean "${meant}"?`;
  return {
    path: "model.architecture",
    message: `must be one of ${names.join(", ")}; ${advice}`,
    value: architecture,
  };
}

/** How a model can be divided, and how long it is. */
function architectureProblems(endpoint: EndpointSpec, architecture: ModelArchitecture): Problem[] {
  const { tensor, pipeline } = endpoint.parallelism;
  const { attentionHeads, kvHeads, layers, title, maxContextTokens } = architecture;
  const problems: Problem[] = [];
  if (attentionHeads % tensor !== 0) {
    problems.push({
      path: "parallelism.tensor",
      message: `must divide the ${attentionHeads} attention heads of ${title}: ${divisorsOf(attentionHeads, 16).join(", ")}; ${attentionHeads} / ${tensor} leaves ${attentionHeads % tensor}.`,
      value: tensor,
    });
  } else if (kvHeads % tensor !== 0 && tensor % kvHeads !== 0) {
    problems.push({
      path: "parallelism.tensor",
      message: `must divide the ${kvHeads} key-value heads of ${title}, or be a multiple of them: ${kvHeads} / ${tensor} leaves ${kvHeads % tensor}.`,
      value: tensor,
    });
  }
  if (pipeline > layers) {
    problems.push({
      path: "parallelism.pipeline",
      message: `must be at most ${layers}: ${title} has that many layers, and each node needs one.`,
      value: pipeline,
    });
  }
  if (endpoint.context.tokens > maxContextTokens) {
    problems.push({
      path: "context.tokens",
      message: `must be at most ${maxContextTokens}, the tokens ${title} was made for.`,
      value: endpoint.context.tokens,
    });
  }
  const gigabytes = weightsGB(architecture, endpoint.model.dataType);
  const least = Math.ceil(loadSeconds(gigabytes, pipeline));
  if (endpoint.startupSeconds < least) {
    const nodes = pipeline > 1 ? ` / ${pipeline} nodes` : "";
    problems.push({
      path: "startupSeconds",
      message: `must be at least ${least}: reading the weights alone takes ${short(gigabytes)} GB / ${READ_GB_PER_SECOND} GB/s${nodes} = ${short(loadSeconds(gigabytes, pipeline))} s.`,
      value: endpoint.startupSeconds,
    });
  }
  return problems;
}

function weightsProblems(endpoint: EndpointSpec): Problem[] {
  const source = weightsOf(endpoint);
  const { revision, token, weights } = endpoint.model;
  const problems: Problem[] = [];
  if (source.kind === "repository") {
    if (revision === undefined) {
      const message = `is required with a repository: the commit of ${weights} that is served, or each replica serves what is newest when it starts.`;
      problems.push({ path: "model.revision", message });
    }
    return problems;
  }
  if (source.kind === "folder") {
    problems.push(...validateArtifactPath("model.weights", source.path));
  }
  for (const [field, value] of Object.entries({ revision, token })) {
    if (value !== undefined) {
      const message = "must be left out: only weights of a repository have one.";
      problems.push({ path: `model.${field}`, message, value });
    }
  }
  return problems;
}

function scalingProblems({ scaling }: EndpointSpec): Problem[] {
  return scaling.kind === "auto" && scaling.min > scaling.max
    ? [{ path: "scaling.min", message: `must be at most max, which is ${scaling.max}.`, value: scaling.min }]
    : [];
}

function resourceProblems({ resources }: EndpointSpec): Problem[] {
  return resources?.cpuLimit !== undefined && resources.cpuLimit < resources.cpu
    ? [
        {
          path: "resources.cpuLimit",
          message: `must be at least cpu, which is ${resources.cpu}.`,
          value: resources.cpuLimit,
        },
      ]
    : [];
}

/** Whether a node of the pool can take a pod, and the pool all of them. */
function hostProblems(endpoint: EndpointSpec, host: Host): Problem[] {
  const { tensor, pipeline } = endpoint.parallelism;
  const { accelerator, devices, division, pool, maxNodes } = host;
  if (accelerator === undefined || devices === 0) {
    const message = `must be a pool with accelerators: the nodes of ${pool} have none.`;
    return [{ path: "pool", message, value: pool }];
  }
  const { title, vendor } = ACCELERATORS[accelerator];
  if (vendor !== "nvidia") {
    const message = `must be a pool with NVIDIA's devices: ${pool} has ${title}, which another build of vLLM serves on.`;
    return [{ path: "pool", message, value: pool }];
  }
  const { dataType } = endpoint.model;
  const problems: Problem[] = [];
  if (!servesWeightsIn(accelerator, dataType)) {
    problems.push({
      path: "model.dataType",
      message: `must be one that ${title} serves, the device of pool ${pool}; ${dataType} is served by ${acceleratorsWith(dataType).join(", ")}.`,
      value: dataType,
    });
  }
  if (division !== "whole" && tensor > 1) {
    const part = division === "mig" ? "MIG instances" : "turns of a device";
    problems.push({
      path: "parallelism.tensor",
      message: `must be 1 on pool ${pool}, whose devices are divided: ${part} cannot exchange parts of a layer.`,
      value: tensor,
    });
  } else if (tensor > devices) {
    problems.push({
      path: "parallelism.tensor",
      message: `must be at most ${devices}, the devices of a node of pool ${pool}: the parts of a layer are on one node. Divide the layers among nodes by parallelism.pipeline.`,
      value: tensor,
    });
  } else {
    problems.push(...roomProblems(endpoint, host));
  }
  if (division === "timeSlicing" && pipeline > 1) {
    const message = `must be 1 on pool ${pool}, whose pods take turns on a device: a group that waits for one of its own stands still.`;
    problems.push({ path: "parallelism.pipeline", message, value: pipeline });
  }
  if (pipeline > maxNodes) {
    const message = `must be at most ${maxNodes}, the nodes of pool ${pool} at its largest.`;
    problems.push({ path: "parallelism.pipeline", message, value: pipeline });
  }
  return problems;
}

function roomProblems(endpoint: EndpointSpec, host: Host): Problem[] {
  const { tensor, pipeline } = endpoint.parallelism;
  const { pool, cpu, memoryGiB, devices, maxNodes, hugepagesGiB } = host;
  const needed = podResources(endpoint);
  const problems: Problem[] = [];
  for (const [field, wanted, whole] of [
    ["cpu", needed.cpu, cpu],
    ["memoryGiB", needed.memoryGiB, memoryGiB],
  ] as const) {
    const there = whole * ALLOCATABLE_FRACTION;
    if (wanted > there) {
      problems.push({
        path: `resources.${field}`,
        message: `must be at most ${short(there)}: a node of pool ${pool} has ${short(whole)}, of which pods get ${ALLOCATABLE_FRACTION * 100} %.`,
        value: wanted,
      });
    }
  }
  if (usesHugepages(endpoint, host)) {
    const pods = Math.floor(devices / tensor);
    const wanted = pods * EFA_HUGEPAGES_GIB;
    if (hugepagesGiB < wanted) {
      problems.push({
        path: "pool",
        message: `must keep at least ${wanted} GiB as huge pages (hugepages2MiGiB), or none: ${EFA_HUGEPAGES_GIB} GiB for each of the ${pods} pods of a node that use its ${efaOfPod(endpoint, host) * pods} adapters; ${pool} keeps ${hugepagesGiB}.`,
        value: pool,
      });
    }
  }
  if (problems.length > 0) {
    return problems;
  }
  const most = mostReplicas(endpoint);
  const room = mostThatFit(endpoint, host);
  if (most > room && pipeline <= maxNodes) {
    const perNode = podsPerNode(endpoint, host);
    const path = endpoint.scaling.kind === "fixed" ? "scaling.replicas" : "scaling.max";
    problems.push({
      path,
      message: `must be at most ${room}: ${most} replicas x ${pipeline} ${pipeline === 1 ? "node" : "nodes"} are ${most * pipeline} pods of ${tensor} devices, and pool ${pool} has ${maxNodes} nodes x ${perNode} = ${maxNodes * perNode} places.`,
      value: most,
    });
  }
  return problems;
}

/** Weights, cache and the rest against what each device has. */
function memoryProblems(endpoint: EndpointSpec, architecture: ModelArchitecture, host: Host): Problem[] {
  const { tensor, pipeline } = endpoint.parallelism;
  const { tokens, sequences } = endpoint.context;
  if (host.deviceMemoryMiB === 0 || pipeline > architecture.layers) {
    return [];
  }
  const memory = servingMemory(
    {
      parametersBillion: architecture.parametersBillion,
      layers: architecture.layers,
      kvHeads: architecture.kvHeads,
      headSize: architecture.headSize,
      dataType: endpoint.model.dataType,
      contextTokens: tokens,
      sequences,
      tensorParallel: tensor,
      pipelineParallel: pipeline,
      memoryFraction: endpoint.memoryFraction,
    },
    { memoryMiB: host.deviceMemoryMiB },
  );
  if (memory.fits) {
    return [];
  }
  const sum = `On each device of pool ${host.pool}: ${memory.arithmetic}.`;
  return memory.maxSequences > 0
    ? [
        {
          path: "context.sequences",
          message: `must be at most ${memory.maxSequences} with ${tokens} tokens each, or the model spread over more devices. ${sum}`,
          value: sequences,
        },
      ]
    : [
        {
          path: "model",
          message: `must be smaller, of fewer bits, or spread over more devices: not one request of ${tokens} tokens fits beside the weights. ${sum}`,
          value: endpoint.model.architecture,
        },
      ];
}

function divisorsOf(count: number, most: number): number[] {
  return Array.from({ length: most }, (_, index) => index + 1).filter((divisor) => count % divisor === 0);
}

/** At most two decimals, and none that are 0. */
function short(number: number): string {
  return String(Number(number.toFixed(2)));
}
