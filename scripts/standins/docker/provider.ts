import * as grpc from "@grpc/grpc-js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc, { type IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Log } from "../lib/engine.ts";
import { CallError, packageVersion, refuse, unary } from "../lib/plugin.ts";
import {
  fromStruct,
  isObject,
  isUnknown,
  type Json,
  type JsonObject,
  plain,
  secret,
  secretStrings,
  toStruct,
  UNKNOWN,
} from "../lib/values.ts";
import { buildImage, hostPlatform } from "./build.ts";
import { contextDigest } from "./context.ts";
import type { Credentials } from "./credentials.ts";
import { imageChanges, type PropertyChange } from "./diff.ts";
import type { DockerCli } from "./docker-cli.ts";
import { type ImageSpec, readImage } from "./inputs.ts";
import { imageReference } from "./reference.ts";
import { presence } from "./registry.ts";

export const NAME = "pulumi-resource-docker";

const IMAGE = "docker:index/image:Image";

/** Provider settings the stand-in follows; the official provider has more. */
const CONFIG_FIELDS = new Set(["host", "registryAuth", "version", "disableDockerDaemonCheck"]);

interface Configuration {
  readonly env: Readonly<Record<string, string>>;
  readonly credentials: readonly Credentials[];
}

/**
 * The `docker` provider as far as this repository uses it: `docker.Image`, by the docker command line. Every other
 * resource and function is refused by name.
 */
export function dockerProvider(log: Log, cli: DockerCli): IResourceProviderServer {
  let configuration: Configuration = { env: {}, credentials: [] };

  const create = async (urn: string, inputs: JsonObject, preview: boolean): Promise<JsonObject> => {
    const { image } = readImage(inputs);
    if (preview && !(image.buildOnPreview && image.skipPush)) return outputs(image, UNKNOWN);
    const secrets = secretStrings(inputs);
    const mask = (text: string): string =>
      secrets.reduce((masked, value) => masked.replaceAll(value, "[secret]"), text);
    try {
      const digest = await buildImage(image, {
        cli,
        env: configuration.env,
        credentials: credentialsOf(image, configuration.credentials),
        onLine: (line) => {
          void log.write("info", mask(line), urn, true);
          void log.write("debug", mask(line), urn);
        },
      });
      return outputs(image, digest);
    } catch (error) {
      throw new CallError(`${image.imageName}: ${mask(error instanceof Error ? error.message : String(error))}`);
    }
  };

  return {
    handshake: unary(() => {
      const response = new messages.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      return response;
    }),

    getPluginInfo: unary(() => new pluginMessages.PluginInfo().setVersion(packageVersion("@pulumi/docker"))),

    checkConfig: unary((request) => {
      const response = new messages.CheckResponse();
      response.setInputs(request.getNews());
      for (const name of Object.keys(fromStruct(request.getNews()?.toJavaScript()))) {
        if (!CONFIG_FIELDS.has(name)) {
          response.addFailures(
            failure(name, `is not a setting the stand-in follows; known are ${[...CONFIG_FIELDS].join(", ")}`),
          );
        }
      }
      return response;
    }),

    diffConfig: unary(() => new messages.DiffResponse()),

    configure: unary((request) => {
      configuration = readConfiguration(fromStruct(request.getArgs()?.toJavaScript()));
      const response = new messages.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),

    check: unary(async (request) => {
      onlyImages(request.getUrn(), request.getType());
      const inputs = fromStruct(request.getNews()?.toJavaScript());
      const { image, problems } = readImage(inputs);
      const response = new messages.CheckResponse();
      response.setFailuresList(problems.map(({ property, reason }) => failure(property, reason)));
      const { context, dockerfile } = image.build;
      const known = !isUnknown(context) && !isUnknown(dockerfile);
      const digest = problems.length > 0 || !known ? UNKNOWN : await contextDigest(context, dockerfile);
      response.setInputs(struct.Struct.fromJavaScript(toStruct(checkedInputs(inputs, digest))));
      return response;
    }),

    diff: unary((request) => {
      const old = fromStruct(request.getOldInputs()?.toJavaScript());
      const found = imageChanges(old, fromStruct(request.getNews()?.toJavaScript()));
      const response = new messages.DiffResponse();
      const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
      response.setChanges(found.length === 0 ? DIFF_NONE : DIFF_SOME);
      response.setHasdetaileddiff(true);
      for (const change of found) {
        response.getDetaileddiffMap().set(change.path, propertyDiff(change));
        response.addDiffs(change.path.split(".")[0] ?? change.path);
      }
      return response;
    }),

    create: unary(async (request) => {
      onlyImages(request.getUrn(), request.getType());
      const inputs = fromStruct(request.getProperties()?.toJavaScript());
      const state = await create(request.getUrn(), inputs, request.getPreview());
      const response = new messages.CreateResponse();
      response.setId(String(plain(state.imageName ?? "")));
      response.setProperties(struct.Struct.fromJavaScript(toStruct(state)));
      return response;
    }),

    update: unary(async (request) => {
      const inputs = fromStruct(request.getNews()?.toJavaScript());
      const state = await create(request.getUrn(), inputs, request.getPreview());
      return new messages.UpdateResponse().setProperties(struct.Struct.fromJavaScript(toStruct(state)));
    }),

    read: unary(async (request) => {
      onlyImages(request.getUrn(), request.getType());
      if (request.getInputs() === undefined) {
        throw new CallError(
          `${NAME}: importing an image is not supported; declare it, and it is built from its context`,
        );
      }
      const response = new messages.ReadResponse();
      const { image } = readImage(fromStruct(request.getInputs()?.toJavaScript()));
      const state = fromStruct(request.getProperties()?.toJavaScript());
      if (!(await isThere(state, image, configuration, cli))) return response;
      response.setId(request.getId());
      response.setProperties(request.getProperties());
      response.setInputs(request.getInputs());
      return response;
    }),

    // As documented of the official provider: tags stay, locally and in the registry.
    delete: unary(() => new empty.Empty()),

    cancel: unary(() => {
      cli.stopAll();
      return new empty.Empty();
    }),

    getSchema: refuse(NAME, "getting its schema (pulumi schema, YAML programs)"),
    invoke: unary((request) => {
      throw unsupported(`the function ${request.getTok()}`);
    }),
    call: unary((request) => {
      throw unsupported(`the method ${request.getTok()}`);
    }),
    construct: unary((request) => {
      throw unsupported(`the component ${request.getType()}`);
    }),
    list: (call) => {
      call.destroy(unsupported("listing resources"));
    },
    parameterize: refuse(NAME, "parameters"),
    attach: unary(() => new empty.Empty()),
    getMapping: unary(() => new messages.GetMappingResponse()),
    getMappings: unary(() => new messages.GetMappingsResponse()),
  };
}

/** Adds the provider to a server. */
export function registerDockerProvider(server: grpc.Server, log: Log, cli: DockerCli): void {
  server.addService(providerGrpc.ResourceProviderService, dockerProvider(log, cli));
}

function outputs(image: ImageSpec, repoDigest: string): JsonObject {
  return {
    baseImageName: image.imageName,
    context: image.build.context,
    dockerfile: image.build.dockerfile,
    imageName: image.imageName,
    platform: image.build.platform ?? hostPlatform(),
    registryServer: image.registry.server || (imageReference(image.imageName)?.registry ?? ""),
    repoDigest,
  };
}

/**
 * The inputs with what the official provider adds, the context's digest and the platform, so that a changed file is a
 * diff; and with the password marked as the secret it is.
 */
function checkedInputs(inputs: JsonObject, digest: string): JsonObject {
  const build = isObject(inputs.build) ? inputs.build : {};
  const wrapped = isObject(build.value) && secretStrings(build).length > 0 && "value" in build;
  const inner: JsonObject = wrapped ? (build.value as JsonObject) : build;
  const filled = { platform: hostPlatform(), ...inner, contextDigest: digest };
  const registry = inputs.registry;
  return {
    ...inputs,
    build: wrapped ? { ...build, value: filled } : filled,
    ...(isObject(registry) && typeof registry.password === "string" && !isUnknown(registry.password)
      ? { registry: { ...registry, password: secret(registry.password) } }
      : {}),
  };
}

async function isThere(
  state: JsonObject,
  image: ImageSpec,
  configuration: Configuration,
  cli: DockerCli,
): Promise<boolean> {
  const repoDigest = plain(state.repoDigest ?? null);
  if (typeof repoDigest !== "string" || repoDigest === "") return true;
  if (!image.skipPush) {
    return (await presence(repoDigest, credentialsOf(image, configuration.credentials))) !== "absent";
  }
  const found = await cli.run({ args: ["images", "--quiet", "--no-trunc"], env: configuration.env });
  return found.split("\n").includes(repoDigest);
}

function credentialsOf(image: ImageSpec, configured: readonly Credentials[]): readonly Credentials[] {
  const { server, username, password } = image.registry;
  if (username === "" || password === "") return configured;
  const address = (server || (imageReference(image.imageName)?.registry ?? ""))
    .replace(/^https?:\/\//, "")
    .replace(/\/.*$/, "");
  return [{ address, username, password }, ...configured];
}

/** Settings that are not strings arrive as JSON text. */
function readConfiguration(args: JsonObject): Configuration {
  const values = plain(args) as JsonObject;
  const host = values.host;
  return {
    env: typeof host === "string" && host !== "" && !isUnknown(host) ? { DOCKER_HOST: host } : {},
    credentials: readCredentials(values.registryAuth ?? null),
  };
}

function readCredentials(value: Json): Credentials[] {
  const list: unknown = typeof value === "string" && value !== "" && !isUnknown(value) ? JSON.parse(value) : value;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown): Credentials[] => {
    if (!isObject(entry)) return [];
    const { address, username, password } = plain(entry) as JsonObject;
    if (typeof address !== "string" || typeof username !== "string" || typeof password !== "string") return [];
    return [{ address: address.replace(/^https?:\/\//, ""), username, password }];
  });
}

function propertyDiff(change: PropertyChange): messages.PropertyDiff {
  const { ADD, DELETE, UPDATE } = messages.PropertyDiff.Kind;
  const kinds = { add: ADD, delete: DELETE, update: UPDATE };
  return new messages.PropertyDiff().setKind(kinds[change.kind]).setInputdiff(true);
}

function failure(property: string, reason: string): messages.CheckFailure {
  return new messages.CheckFailure().setProperty(property).setReason(reason);
}

function onlyImages(urn: string, type: string): void {
  const token = type !== "" ? type : (urn.split("::")[2]?.split("$").at(-1) ?? urn);
  if (token !== IMAGE) throw unsupported(`the resource ${token} (${urn.split("::").at(-1)})`);
}

function unsupported(what: string): CallError {
  return new CallError(
    `${NAME}: the stand-in does not support ${what}, only ${IMAGE}; install the official plugin where downloads are possible`,
    grpc.status.UNIMPLEMENTED,
  );
}
