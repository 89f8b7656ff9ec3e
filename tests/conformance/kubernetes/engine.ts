import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import { ProviderService } from "../../../scripts/standins/kubernetes/server.ts";
import type { Json, JsonObject } from "../../../scripts/standins/kubernetes/values.ts";
import { controlPlane } from "./cluster.ts";

/** A resource as an engine keeps it: raw wire values, so that tests see secrets as the state would. */
export interface Resource {
  readonly urn: string;
  readonly id: string;
  readonly inputs: JsonObject;
  readonly outputs: JsonObject;
  /** Why its last operation left it unfinished. */
  readonly initErrors: readonly string[];
}

export interface DiffSeen {
  readonly changed: boolean;
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
  readonly detailed: Readonly<Record<string, string>>;
}

export interface Message {
  readonly urn: string;
  readonly text: string;
  readonly ephemeral: boolean;
  readonly severity: number;
}

const toStruct = (value: JsonObject): Struct =>
  structPb.Struct.fromJavaScript(value as Parameters<typeof structPb.Struct.fromJavaScript>[0]);
const fromStruct = (struct: Struct | undefined): JsonObject => (struct?.toJavaScript() ?? {}) as JsonObject;

const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
/** A secret as it goes over the wire. */
export const secret = (value: Json): JsonObject => ({ ...SECRET, value });
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export const urnOf = (type: string, name: string): string => `urn:pulumi:test::millwright::${type}::${name}`;

function listen(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
}

const engines: Engine[] = [];
after("stop the providers", () => {
  for (const engine of engines) engine.close();
});

/** Plays the engine: the same calls in the same order over real gRPC, with the resources' state in memory. */
export class Engine {
  readonly messages: Message[] = [];
  private readonly engineServer = new grpc.Server();
  private readonly providerServer = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  private service!: ProviderService;
  private client!: InstanceType<typeof providerGrpc.ResourceProviderClient>;

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<Engine> {
    const engine = await Engine.unconfigured();
    const kubeconfig = (await controlPlane()).kubeconfigPath;
    await engine.configure({ kubeconfig, ...settings });
    return engine;
  }

  static async unconfigured(): Promise<Engine> {
    const engine = new Engine();
    engines.push(engine);
    engine.engineServer.addService(engineGrpc.EngineService, {
      log: (call: { request: LogRequest }, callback: (error: null, answer: unknown) => void) => {
        const { request } = call;
        const [urn, text, ephemeral] = [request.getUrn(), request.getMessage(), request.getEphemeral()];
        engine.messages.push({ urn, text, ephemeral, severity: request.getSeverity() });
        callback(null, new emptyPb.Empty());
      },
    });
    engine.service = new ProviderService("4.34.2", `127.0.0.1:${await listen(engine.engineServer)}`);
    engine.service.register(engine.providerServer);
    const address = `127.0.0.1:${await listen(engine.providerServer)}`;
    engine.client = new providerGrpc.ResourceProviderClient(address, grpc.credentials.createInsecure());
    return engine;
  }

  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const request = new providerPb.ConfigureRequest();
    for (const [key, value] of Object.entries(settings))
      request.getVariablesMap().set(`kubernetes:config:${key}`, value);
    request.setAcceptsecrets(true);
    await this.call("configure", request);
  }

  close(): void {
    this.client.close();
    this.service.close();
    this.providerServer.forceShutdown();
    this.engineServer.forceShutdown();
  }

  /** One unary call, for requests the helpers below do not make. */
  call<Answer>(method: string, request: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const client = this.client as unknown as Record<
        string,
        (request: unknown, callback: grpc.requestCallback<Answer>) => void
      >;
      client[method]?.call(this.client, request, (error, answer) =>
        error === null ? resolve(answer as Answer) : reject(error),
      );
    });
  }

  async check(
    urn: string,
    news: JsonObject,
    olds?: JsonObject,
  ): Promise<{ inputs: JsonObject; failures: { property: string; reason: string }[] }> {
    const request = new providerPb.CheckRequest();
    request.setUrn(urn);
    request.setNews(toStruct(news));
    if (olds !== undefined) request.setOlds(toStruct(olds));
    const answer = await this.call<messages.CheckResponse>("check", request);
    const failures = answer
      .getFailuresList()
      .map((failure) => ({ property: failure.getProperty(), reason: failure.getReason() }));
    return { inputs: fromStruct(answer.getInputs()), failures };
  }

  async checked(urn: string, news: JsonObject, olds?: JsonObject): Promise<JsonObject> {
    const { inputs, failures } = await this.check(urn, news, olds);
    if (failures.length > 0)
      throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
    return inputs;
  }

  async diff(resource: Resource, newInputs: JsonObject, ignoreChanges: string[] = []): Promise<DiffSeen> {
    const request = new providerPb.DiffRequest();
    request.setUrn(resource.urn);
    request.setId(resource.id);
    request.setOlds(toStruct(resource.outputs));
    request.setOldInputs(toStruct(resource.inputs));
    request.setNews(toStruct(newInputs));
    request.setIgnorechangesList(ignoreChanges);
    const answer = await this.call<messages.DiffResponse>("diff", request);
    const kinds = Object.entries(providerPb.PropertyDiff.Kind);
    const detailed = [...(answer.getDetaileddiffMap().entries() as Iterable<[string, messages.PropertyDiff]>)].map(
      ([path, difference]) => [path, kinds.find(([, kind]) => kind === difference.getKind())?.[0] ?? "?"] as const,
    );
    return {
      changed: answer.getChanges() === providerPb.DiffResponse.DiffChanges.DIFF_SOME,
      replaces: answer.getReplacesList(),
      deleteBeforeReplace: answer.getDeletebeforereplace(),
      detailed: Object.fromEntries(detailed),
    };
  }

  /** Creates from inputs that were checked. What fails to become ready is returned with its reasons, as an engine keeps it. */
  async createChecked(
    urn: string,
    inputs: JsonObject,
    options: { preview?: boolean; timeout?: number } = {},
  ): Promise<Resource> {
    const request = new providerPb.CreateRequest();
    request.setUrn(urn);
    request.setProperties(toStruct(inputs));
    request.setPreview(options.preview ?? false);
    request.setTimeout(options.timeout ?? 0);
    return await this.partially({ urn, inputs }, async () => {
      const answer = await this.call<messages.CreateResponse>("create", request);
      return { urn, inputs, id: answer.getId(), outputs: fromStruct(answer.getProperties()), initErrors: [] };
    });
  }

  async create(
    type: string,
    name: string,
    news: JsonObject,
    options: { preview?: boolean; timeout?: number } = {},
  ): Promise<Resource> {
    const urn = urnOf(type, name);
    return await this.createChecked(urn, await this.checked(urn, news), options);
  }

  /** Like `create`, and fails when the object is not ready. */
  async createReady(
    type: string,
    name: string,
    news: JsonObject,
    options: { preview?: boolean; timeout?: number } = {},
  ): Promise<Resource> {
    const resource = await this.create(type, name, news, options);
    if (resource.initErrors.length > 0) throw new Error(resource.initErrors.join("\n"));
    return resource;
  }

  async update(
    resource: Resource,
    newInputs: JsonObject,
    options: { preview?: boolean; timeout?: number; ignoreChanges?: string[] } = {},
  ): Promise<Resource> {
    const request = new providerPb.UpdateRequest();
    request.setUrn(resource.urn);
    request.setId(resource.id);
    request.setOlds(toStruct(resource.outputs));
    request.setOldInputs(toStruct(resource.inputs));
    request.setNews(toStruct(newInputs));
    request.setPreview(options.preview ?? false);
    request.setTimeout(options.timeout ?? 0);
    request.setIgnorechangesList(options.ignoreChanges ?? []);
    return await this.partially({ ...resource, inputs: newInputs }, async () => {
      const answer = await this.call<messages.UpdateResponse>("update", request);
      return { ...resource, inputs: newInputs, outputs: fromStruct(answer.getProperties()), initErrors: [] };
    });
  }

  /** What a refresh makes of a resource; undefined when it is gone. */
  async refresh(resource: Resource): Promise<Resource | undefined> {
    return await this.read(resource.urn, resource.id, resource);
  }

  async read(urn: string, id: string, known?: Resource): Promise<Resource | undefined> {
    const request = new providerPb.ReadRequest();
    request.setUrn(urn);
    request.setId(id);
    if (known !== undefined) {
      request.setProperties(toStruct(known.outputs));
      request.setInputs(toStruct(known.inputs));
    }
    return await this.partially({ urn, inputs: known?.inputs ?? {} }, async () => {
      const answer = await this.call<messages.ReadResponse>("read", request);
      if (answer.getId() === "") return undefined;
      const [inputs, outputs] = [fromStruct(answer.getInputs()), fromStruct(answer.getProperties())];
      return { urn, id: answer.getId(), inputs, outputs, initErrors: [] };
    });
  }

  async delete(resource: Resource, timeout = 0): Promise<void> {
    const request = new providerPb.DeleteRequest();
    request.setUrn(resource.urn);
    request.setId(resource.id);
    request.setProperties(toStruct(resource.outputs));
    request.setOldInputs(toStruct(resource.inputs));
    request.setTimeout(timeout);
    await this.call("delete", request);
  }

  async cancel(): Promise<void> {
    await this.call("cancel", new emptyPb.Empty());
  }

  private async partially<T extends Resource | undefined>(
    base: Pick<Resource, "urn" | "inputs">,
    operation: () => Promise<T>,
  ): Promise<T | Resource> {
    try {
      return await operation();
    } catch (error) {
      const details = (error as grpc.ServiceError).metadata?.get("grpc-status-details-bin")[0];
      if (details === undefined) throw error;
      const status = statusPb.Status.deserializeBinary(details as Uint8Array);
      const packed = status.getDetailsList()[0]?.getValue_asU8();
      if (packed === undefined) throw error;
      const partial = providerPb.ErrorResourceInitFailed.deserializeBinary(packed);
      const initErrors = partial.getReasonsList();
      const inputs = partial.hasInputs() ? fromStruct(partial.getInputs()) : base.inputs;
      return { urn: base.urn, id: partial.getId(), inputs, outputs: fromStruct(partial.getProperties()), initErrors };
    }
  }
}
