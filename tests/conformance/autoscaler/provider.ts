import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import structPb, { type Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { toolPath } from "../../../scripts/lib/roots.ts";
import { kubernetesEnvironment } from "../../../scripts/standins/environment.ts";
import { fromStruct, type JsonObject, toStruct } from "../../../scripts/standins/lib/values.ts";

/** A resource as an engine keeps it. */
export interface Resource {
  readonly urn: string;
  readonly id: string;
  readonly inputs: JsonObject;
  readonly outputs: JsonObject;
}

const pack = (value: JsonObject): Struct => structPb.Struct.fromJavaScript(toStruct(value));
const unpack = (struct: Struct | undefined): JsonObject => fromStruct(struct?.toJavaScript());

/** Says in a request which resource it is about, and what is known of it. */
function about<Request extends messages.ReadRequest | messages.DeleteRequest>(
  request: Request,
  { urn, id, outputs }: Resource,
): Request {
  request.setUrn(urn);
  request.setId(id);
  request.setProperties(pack(outputs));
  return request;
}

/** The official Kubernetes provider, asked as the engine asks it, one resource at a time, with the state in memory. */
export class Provider {
  readonly #engine: grpc.Server;
  readonly #process: ChildProcess;
  readonly #client: InstanceType<typeof providerGrpc.ResourceProviderClient>;

  private constructor(engine: grpc.Server, process_: ChildProcess, address: string) {
    this.#engine = engine;
    this.#process = process_;
    this.#client = new providerGrpc.ResourceProviderClient(address, grpc.credentials.createInsecure());
  }

  static async start(kubeconfig: string): Promise<Provider> {
    const engine = new grpc.Server();
    engine.addService(engineGrpc.EngineService, {
      log: (_call: unknown, callback: (error: null, answer: unknown) => void) => callback(null, new emptyPb.Empty()),
    });
    const engineAddress = await new Promise<string>((resolve, reject) =>
      engine.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(`127.0.0.1:${port}`) : reject(error),
      ),
    );
    const binary = toolPath("pulumi-kubernetes", "pulumi-resource-kubernetes");
    const child = spawn(binary, [engineAddress], {
      env: { ...process.env, ...kubernetesEnvironment },
      stdio: ["ignore", "pipe", "inherit"],
    });
    // The first line it writes is its port.
    const port = await new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`${binary} ended with ${code}`)));
      createInterface({ input: child.stdout }).once("line", resolve);
    });
    const provider = new Provider(engine, child, `127.0.0.1:${port}`);
    const request = new providerPb.ConfigureRequest();
    request.getVariablesMap().set("kubernetes:config:kubeconfig", kubeconfig);
    await provider.#call("configure", request);
    return provider;
  }

  close(): void {
    this.#client.close();
    this.#process.kill("SIGKILL");
    this.#engine.forceShutdown();
  }

  /** @throws where it is refused, and where it does not become ready */
  async create(type: string, name: string, news: JsonObject): Promise<Resource> {
    const urn = `urn:pulumi:test::millwright::${type}::${name}`;
    const inputs = await this.#check(urn, news);
    const request = new providerPb.CreateRequest();
    request.setUrn(urn);
    request.setProperties(pack(inputs));
    const answer = await this.#call<messages.CreateResponse>("create", request);
    return { urn, inputs, id: answer.getId(), outputs: unpack(answer.getProperties()) };
  }

  async update(resource: Resource, news: JsonObject): Promise<Resource> {
    const inputs = await this.#check(resource.urn, news, resource.inputs);
    const request = new providerPb.UpdateRequest();
    request.setUrn(resource.urn);
    request.setId(resource.id);
    request.setOlds(pack(resource.outputs));
    request.setOldInputs(pack(resource.inputs));
    request.setNews(pack(inputs));
    const answer = await this.#call<messages.UpdateResponse>("update", request);
    return { ...resource, inputs, outputs: unpack(answer.getProperties()) };
  }

  /** The inputs that a refresh makes of a resource. */
  async refreshedInputs(resource: Resource): Promise<JsonObject> {
    const request = about(new providerPb.ReadRequest(), resource);
    request.setInputs(pack(resource.inputs));
    return unpack((await this.#call<messages.ReadResponse>("read", request)).getInputs());
  }

  async delete(resource: Resource): Promise<void> {
    const request = about(new providerPb.DeleteRequest(), resource);
    request.setOldInputs(pack(resource.inputs));
    await this.#call("delete", request);
  }

  async #check(urn: string, news: JsonObject, olds?: JsonObject): Promise<JsonObject> {
    const request = new providerPb.CheckRequest();
    request.setUrn(urn);
    request.setNews(pack(news));
    if (olds !== undefined) request.setOlds(pack(olds));
    const answer = await this.#call<messages.CheckResponse>("check", request);
    const failures = answer.getFailuresList().map((failure) => `${failure.getProperty()}: ${failure.getReason()}`);
    if (failures.length > 0) throw new Error(failures.join("\n"));
    return unpack(answer.getInputs());
  }

  #call<Answer>(method: string, request: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const client = this.#client as unknown as Record<
        string,
        (request: unknown, callback: grpc.requestCallback<Answer>) => void
      >;
      client[method]?.call(this.#client, request, (error, answer) =>
        error === null ? resolve(answer as Answer) : reject(error),
      );
    });
  }
}
