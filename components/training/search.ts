import type { SearchSpec } from "../../stacks/schema.ts";
import { artifactFolders, FOLDERS, SEARCH_DATABASE } from "./contract.ts";
import { SEARCH_GRACE_SECONDS } from "./defaults.ts";
import { type RunJob, renderJob, renderSpec } from "./job.ts";
import { type SecretMount, secretPath } from "./pod.ts";
import type { SearchJobArgs } from "./types.ts";

/**
 * The objects of a search run: workers that take trials from one study in the database. They do not know of each other,
 * so there is no group to meet, and any of them does the trials a lost one left; worker 0 leaves the result.
 */
export function renderSearch(args: SearchJobArgs) {
  const { run, database } = args;
  const { search, model } = run;
  const folder = artifactFolders.search(run.name);
  const password: SecretMount = { name: "database", secretName: database.secretName, key: database.secretKey };
  const job: RunJob = {
    stage: "search",
    model: model.name,
    run: run.name,
    workers: search.workers,
    resources: search.resources,
    deadlineSeconds: search.deadlineSeconds,
    maxRestarts: search.maxRestarts,
    succeedsWith: "worker 0",
    graceSeconds: SEARCH_GRACE_SECONDS,
    artifactPath: folder,
    mounts: [
      { mountPath: FOLDERS.input, folder: run.dataset.artifact.path, readOnly: true },
      { mountPath: FOLDERS.output, folder },
      { mountPath: FOLDERS.checkpoint, folder: artifactFolders.checkpoints(run.name) },
    ],
    secrets: [password],
    env: {
      MILLWRIGHT_INPUT: FOLDERS.input,
      MILLWRIGHT_CHECKPOINT: FOLDERS.checkpoint,
      MILLWRIGHT_STUDY: run.study,
      MILLWRIGHT_DATABASE_HOST: database.host,
      MILLWRIGHT_DATABASE_PORT: String(database.port),
      MILLWRIGHT_DATABASE_USER: database.user,
      MILLWRIGHT_DATABASE_NAME: SEARCH_DATABASE,
      MILLWRIGHT_DATABASE_PASSWORD_FILE: secretPath(password),
      ...(database.sslMode === undefined ? {} : { PGSSLMODE: database.sslMode }),
    },
  };
  const spec = {
    search: searchSpec(search),
    training: model.training,
    task: model.task,
    labels: run.dataset.labels,
  };
  return { spec: renderSpec(job, args.artifacts.namespace, spec), job: renderJob(job, args) };
}

/**
 * What decides which trials there are; the space as an object by path, since the workload looks parameters up by it.
 */
function searchSpec({ space, ...search }: SearchSpec) {
  const { workers, maxRestarts, resources, deadlineSeconds, ...drawing } = search;
  return { ...drawing, space: Object.fromEntries(space.map(({ name, ...parameter }) => [name, parameter])) };
}
