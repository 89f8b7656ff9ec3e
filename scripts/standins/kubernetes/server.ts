import * as grpc from "@grpc/grpc-js";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import anyPb from "google-protobuf/google/protobuf/any_pb.js";
import type { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { engineLog, type Log } from "../lib/engine.ts";
import { CallError, refuse, unary } from "../lib/plugin.ts";
import { configurationProblems, diffConfiguration, parseConfiguration, unsupportedSettings } from "./configuration.ts";
import type { ChangeKind, Diff } from "./diff.ts";
import { refuse as refusal } from "./kinds.ts";
import type { CheckFailure } from "./operations/check.ts";
import type { Outcome } from "./operations/create.ts";
import { KubernetesProvider } from "./provider.ts";
import { redact, secrecyOf } from "./secrets.ts";
import { outputsOf, parseState } from "./state.ts";
import type { JsonObject } from "./values.ts";
import { decode, encode, type Properties, uniteSecrecy } from "./wire.ts";

const PLUGIN = "pulumi-resource-kubernetes";
const CONFIG_PREFIX = "kubernetes:config:";

type ProviderServer = Parameters<grpc.Server["addService"]>[1];

/** Serves one `KubernetesProvider` as `pulumirpc.ResourceProvider`; nothing but translation happens here. */
export class ProviderService {
  private readonly version: string;
  private log: Log;
  private readonly provider: KubernetesProvider;

  /** @param engineAddress where messages go; known from the start or learnt when the engine attaches */
  constructor(version: string, engineAddress: string | undefined) {
    this.version = version;
    this.log = engineLog(engineAddress);
    this.provider = new KubernetesProvider({ write: (...message) => this.log.write(...message) });
  }

  register(server: grpc.Server): void {
    server.addService(providerGrpc.ResourceProviderService, this.handlers());
  }

  close(): void {
    this.provider.close();
  }

  private handlers(): ProviderServer {
    return {
      handshake: unary((request: messages.ProviderHandshakeRequest) => this.handshake(request)),
      attach: unary((request: { getAddress(): string }) => {
        this.log = engineLog(request.getAddress());
        return new emptyPb.Empty();
      }),
      getPluginInfo: unary(() => this.pluginInfo()),
      getSchema: unary(() => this.schema()),
      checkConfig: unary((request: messages.CheckRequest) => this.checkConfig(request)),
      diffConfig: unary((request: messages.DiffRequest) => this.diffConfig(request)),
      configure: unary((request: messages.ConfigureRequest) => this.configure(request)),
      check: unary((request: messages.CheckRequest) => this.check(request)),
      diff: unary((request: messages.DiffRequest) => this.diff(request)),
      create: unary((request: messages.CreateRequest) => this.create(request)),
      read: unary((request: messages.ReadRequest) => this.read(request)),
      update: unary((request: messages.UpdateRequest) => this.update(request)),
      delete: unary((request: messages.DeleteRequest) => this.remove(request)),
      cancel: unary(() => {
        this.provider.cancel();
        return new emptyPb.Empty();
      }),
      invoke: unary((request: messages.InvokeRequest): messages.InvokeResponse => {
        throw refusal(request.getTok(), "functions");
      }),
      call: unary((request: messages.CallRequest): messages.CallResponse => {
        throw refusal(request.getTok(), "methods");
      }),
      construct: unary((request: messages.ConstructRequest): messages.ConstructResponse => {
        throw refusal(request.getType(), "components (Helm charts, YAML files and groups, kustomizations)");
      }),
      parameterize: refuse(PLUGIN, "Parameterize"),
      list: refuse(PLUGIN, "List"),
      getMapping: unary(() => new providerPb.GetMappingResponse()),
      getMappings: unary(() => new providerPb.GetMappingsResponse()),
    };
  }

  private handshake(request: messages.ProviderHandshakeRequest): messages.ProviderHandshakeResponse {
    const address = request.getEngineAddress();
    if (address !== "") this.log = engineLog(address);
    const response = new providerPb.ProviderHandshakeResponse();
    response.setAcceptSecrets(true);
    response.setSupportsAutonamingConfiguration(true);
    return response;
  }

  private pluginInfo(): PluginInfo {
    const info = new pluginPb.PluginInfo();
    info.setVersion(this.version);
    return info;
  }

  private schema(): messages.GetSchemaResponse {
    const response = new providerPb.GetSchemaResponse();
    response.setSchema(JSON.stringify({ name: "kubernetes", version: this.version }));
    return response;
  }

  private checkConfig(request: messages.CheckRequest): messages.CheckResponse {
    const response = new providerPb.CheckResponse();
    response.setInputs(request.getNews());
    const problems = configurationProblems(decode(request.getNews()).value);
    response.setFailuresList(problems.map(failureMessage));
    return response;
  }

  private diffConfig(request: messages.DiffRequest): messages.DiffResponse {
    const { diffs, replaces } = diffConfiguration(decode(request.getOlds()).value, decode(request.getNews()).value);
    const response = new providerPb.DiffResponse();
    const { DIFF_NONE, DIFF_SOME } = providerPb.DiffResponse.DiffChanges;
    response.setChanges(diffs.length === 0 ? DIFF_NONE : DIFF_SOME);
    response.setDiffsList([...diffs]);
    response.setReplacesList([...replaces]);
    return response;
  }

  private configure(request: messages.ConfigureRequest): messages.ConfigureResponse {
    const settings: JsonObject = {};
    for (const [key, value] of request.getVariablesMap().entries() as Iterable<[string, string]>) {
      if (key.startsWith(CONFIG_PREFIX)) settings[key.slice(CONFIG_PREFIX.length)] = value;
    }
    const problems = unsupportedSettings(settings);
    if (problems.length > 0) throw new CallError(problems.map(({ reason }) => reason).join("\n"));
    this.provider.configure(parseConfiguration(settings, process.env));
    const response = new providerPb.ConfigureResponse();
    response.setAcceptsecrets(true);
    response.setSupportspreview(true);
    response.setSupportsAutonamingConfiguration(true);
    return response;
  }

  private async check(request: messages.CheckRequest): Promise<messages.CheckResponse> {
    const olds = request.hasOlds() ? decode(request.getOlds()).value : {};
    const news = decode(request.getNews());
    const { inputs, failures } = await this.provider.check({
      urn: request.getUrn(),
      olds: Object.keys(olds).length === 0 ? undefined : olds,
      news: news.value,
      autonaming: autonamingOf(request),
    });
    const response = new providerPb.CheckResponse();
    response.setInputs(encode(inputs, secrecyOf(inputs, news.secrecy)));
    response.setFailuresList(failures.map(failureMessage));
    return response;
  }

  private async diff(request: messages.DiffRequest): Promise<messages.DiffResponse> {
    const news = decode(request.getNews());
    const result = await discreetly([news], () =>
      this.provider.diff({
        urn: request.getUrn(),
        oldInputs: decode(request.getOldInputs()).value,
        newInputs: news.value,
        state: parseState(decode(request.getOlds())),
        ignoreChanges: request.getIgnorechangesList(),
      }),
    );
    return diffResponse(result);
  }

  private async create(request: messages.CreateRequest): Promise<messages.CreateResponse> {
    const inputs = decode(request.getProperties());
    const preview = request.getPreview();
    const outcome = await discreetly([inputs], () =>
      this.provider.create({
        urn: request.getUrn(),
        inputs: inputs.value,
        timeoutSeconds: request.getTimeout(),
        preview,
      }),
    );
    const outputs = outputsOf(outcome.live, inputs.value, inputs.secrecy, outcome.manager);
    if (outcome.reasons.length > 0) throw notReady(outcome, outputs, inputs);
    const response = new providerPb.CreateResponse();
    response.setId(outcome.id);
    response.setProperties(encode(outputs.value, outputs.secrecy));
    return response;
  }

  private async update(request: messages.UpdateRequest): Promise<messages.UpdateResponse> {
    const news = decode(request.getNews());
    const olds = decode(request.getOlds());
    const outcome = await discreetly([news, olds], () =>
      this.provider.update({
        urn: request.getUrn(),
        id: request.getId(),
        state: parseState(olds),
        oldInputs: decode(request.getOldInputs()).value,
        newInputs: news.value,
        ignoreChanges: request.getIgnorechangesList(),
        timeoutSeconds: request.getTimeout(),
        preview: request.getPreview(),
      }),
    );
    const outputs = outputsOf(outcome.live, news.value, news.secrecy, outcome.manager);
    if (outcome.reasons.length > 0) throw notReady(outcome, outputs, news);
    const response = new providerPb.UpdateResponse();
    response.setProperties(encode(outputs.value, outputs.secrecy));
    return response;
  }

  private async read(request: messages.ReadRequest): Promise<messages.ReadResponse> {
    const inputs = decode(request.getInputs());
    const properties = decode(request.getProperties());
    const state = parseState(properties);
    const isImport = Object.keys(inputs.value).length === 0;
    const result = await discreetly([inputs, properties], () =>
      this.provider.read({
        urn: request.getUrn(),
        id: request.getId(),
        known: isImport ? undefined : { inputs: inputs.value, state },
      }),
    );
    const response = new providerPb.ReadResponse();
    // An answer without an id tells the engine that the object is gone.
    if (result === undefined) return response;
    const { __inputs: inner, ...outer } = properties.secrecy === true ? {} : (properties.secrecy ?? {});
    const secrecy = uniteSecrecy(uniteSecrecy(inputs.secrecy, outer), inner);
    const outputs = outputsOf(result.live, result.inputs, secrecy, state.manager);
    const seen = { value: result.inputs, secrecy: secrecyOf(result.inputs, secrecy) };
    const outcome = { id: result.id, live: result.live, manager: state.manager ?? "", reasons: result.reasons };
    if (result.reasons.length > 0) throw notReady(outcome, outputs, seen);
    response.setId(result.id);
    response.setProperties(encode(outputs.value, outputs.secrecy));
    response.setInputs(encode(seen.value, seen.secrecy));
    return response;
  }

  private async remove(request: messages.DeleteRequest): Promise<Empty> {
    const properties = decode(request.getProperties());
    await discreetly([properties], () =>
      this.provider.remove({
        urn: request.getUrn(),
        id: request.getId(),
        inputs: decode(request.getOldInputs()).value,
        state: parseState(properties),
        timeoutSeconds: request.getTimeout(),
      }),
    );
    return new emptyPb.Empty();
  }
}

function failureMessage({ property, reason }: CheckFailure): messages.CheckFailure {
  const failure = new providerPb.CheckFailure();
  failure.setProperty(property);
  failure.setReason(reason);
  return failure;
}

function autonamingOf(request: messages.CheckRequest) {
  const options = request.getAutonaming();
  if (options === undefined) return undefined;
  const { PROPOSE, ENFORCE } = providerPb.CheckRequest.AutonamingOptions.Mode;
  const mode = options.getMode();
  const name = mode === PROPOSE ? "propose" : mode === ENFORCE ? "enforce" : "disable";
  return { mode: name, proposedName: options.getProposedName() } as const;
}

function diffResponse({ detailed, replaces, deleteBeforeReplace }: Diff): messages.DiffResponse {
  const { Kind } = providerPb.PropertyDiff;
  const kinds: Readonly<Record<ChangeKind, messages.PropertyDiff.Kind>> = {
    add: Kind.ADD,
    delete: Kind.DELETE,
    update: Kind.UPDATE,
    "add-replace": Kind.ADD_REPLACE,
    "delete-replace": Kind.DELETE_REPLACE,
    "update-replace": Kind.UPDATE_REPLACE,
  };
  const response = new providerPb.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = providerPb.DiffResponse.DiffChanges;
  response.setChanges(detailed.size === 0 ? DIFF_NONE : DIFF_SOME);
  response.setReplacesList([...replaces]);
  response.setDeletebeforereplace(deleteBeforeReplace);
  response.setHasdetaileddiff(true);
  response.setDiffsList([...detailed.keys()]);
  for (const [path, kind] of detailed) {
    const difference = new providerPb.PropertyDiff();
    difference.setKind(kinds[kind]);
    difference.setInputdiff(true);
    response.getDetaileddiffMap().set(path, difference);
  }
  return response;
}

/** The object exists and is kept in the state, but is not what was waited for; the next update goes on from there. */
function notReady(outcome: Outcome, outputs: Properties, inputs: Properties): CallError {
  const detail = new providerPb.ErrorResourceInitFailed();
  const message = (text: string) => redact(text, inputs.value, inputs.secrecy);
  detail.setId(outcome.id);
  detail.setProperties(encode(outputs.value, outputs.secrecy));
  detail.setInputs(encode(inputs.value, secrecyOf(inputs.value, inputs.secrecy)));
  detail.setReasonsList(outcome.reasons.map(message));
  const packed = new anyPb.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const error = new CallError(message(outcome.reasons.join("\n")));
  const status = new statusPb.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(error.message);
  status.addDetails(packed);
  error.metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return error;
}

/** Runs an operation whose errors may quote what it was given, and takes the secrets out of them. */
async function discreetly<T>(given: readonly Properties[], operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const hide = (message: string, { value, secrecy }: Properties) => redact(message, value, secrecyOf(value, secrecy));
    throw new CallError(given.reduce(hide, text));
  }
}
