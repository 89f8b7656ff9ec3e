import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import languageGrpc, { type ILanguageRuntimeServer } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import languageMessages from "@pulumi/pulumi/proto/language_pb.js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import { asCallError, CallError, packageVersion, refuse, unary } from "../lib/plugin.ts";
import { fromStruct, type JsonObject } from "../lib/values.ts";
import { type Children, ending } from "./children.ts";
import { policyPackCommand, programCommand, type RuntimeOptions, runtimeOptions } from "./command.ts";
import { installedPackages } from "./packages.ts";

export const NAME = "pulumi-language-nodejs";

/** The SDK's exit code for "I failed and have told the user why". */
const ALREADY_REPORTED = 32;

/** Modules of `preload/` that every program and policy pack is started with. */
const PRELOAD = ["tether", "plain-stacks", "lazy-sdk", "quiet-sdk"];

/**
 * Pulumi's language host for Node, over the protocol of `pulumirpc.LanguageRuntime`: runs programs and policy packs by
 * the SDK's own `cmd/run` and `cmd/run-policy-pack`. It generates no code.
 */
export function languageHost(engineAddress: string, children: Children): ILanguageRuntimeServer {
  return {
    handshake: unary(() => new languageMessages.LanguageHandshakeResponse()),
    getPluginInfo: unary(() => new pluginMessages.PluginInfo().setVersion(packageVersion("@pulumi/pulumi"))),

    getRequiredPlugins: unary((request) => {
      const response = new languageMessages.GetRequiredPluginsResponse();
      response.setPluginsList(
        requiredPlugins(request.getInfo()).map((plugin) => {
          const dependency = new pluginMessages.PluginDependency();
          dependency.setName(plugin.name);
          dependency.setKind("resource");
          dependency.setVersion(plugin.version);
          dependency.setServer(plugin.server);
          return dependency;
        }),
      );
      return response;
    }),

    getRequiredPackages: unary((request) => {
      const response = new languageMessages.GetRequiredPackagesResponse();
      response.setPackagesList(
        requiredPlugins(request.getInfo()).map((plugin) => {
          const dependency = new pluginMessages.PackageDependency();
          dependency.setName(plugin.name);
          dependency.setKind("resource");
          dependency.setVersion(plugin.version);
          dependency.setServer(plugin.server);
          return dependency;
        }),
      );
      return response;
    }),

    getProgramDependencies: unary((request) => {
      const response = new languageMessages.GetProgramDependenciesResponse();
      response.setDependenciesList(
        installedPackages(programDirectory(request.getInfo()), request.getTransitivedependencies()).map((installed) =>
          new languageMessages.DependencyInfo().setName(installed.name).setVersion(installed.version),
        ),
      );
      return response;
    }),

    about: unary(() =>
      new languageMessages.AboutResponse().setExecutable(process.execPath).setVersion(process.version.slice(1)),
    ),

    runtimeOptionsPrompts: unary(() => new languageMessages.RuntimeOptionsResponse()),
    template: unary(() => new languageMessages.TemplateResponse()),

    installDependencies: (call) => {
      const message = `${NAME}: the packages of ${call.request.getDirectory()} are installed by npm ci\n`;
      call.write(new languageMessages.InstallDependenciesResponse().setStdout(Buffer.from(message)));
      call.end();
    },

    run: unary(async (request, call) => {
      if (request.getAttachDebugger()) throw unsupported("attaching a debugger");
      const info = request.getInfo();
      const directory = programDirectory(info);
      const command = programCommand(
        {
          monitorAddress: request.getMonitorAddress(),
          engineAddress,
          project: request.getProject(),
          stack: request.getStack(),
          organization: request.getOrganization(),
          rootDirectory: info?.getRootDirectory() ?? directory,
          pwd: request.getPwd() === "" ? directory : request.getPwd(),
          parallel: request.getParallel(),
          dryRun: request.getDryrun(),
          entryPoint: info?.getEntryPoint() ?? request.getProgram(),
          args: request.getArgsList(),
          config: Object.fromEntries(request.getConfigMap().toArray()),
          configSecretKeys: request.getConfigsecretkeysList(),
          options: optionsOf(info),
        },
        sdkModule(directory, "run"),
        PRELOAD.map(preloaded),
      );
      const child = children.start(command, process.env, "inherit");
      call.on("cancelled", () => children.stop(child));
      const { code, signal } = await ending(child);
      const response = new languageMessages.RunResponse();
      if (code === ALREADY_REPORTED) response.setBail(true);
      else if (signal !== null) response.setError(`the program was ended by ${signal}`);
      else if (code !== 0) response.setError(`the program failed: node exited with code ${code}; its output says why`);
      return response;
    }),

    runPlugin: (call) => {
      void runPlugin(call, children).catch((error: unknown) => call.destroy(asCallError(error)));
    },

    cancel: unary((request) => {
      children.stopAll();
      return request;
    }),

    generateProgram: refuse(NAME, "generating a program (pulumi convert)"),
    generateProject: refuse(NAME, "generating a project (pulumi convert)"),
    generatePackage: refuse(NAME, "generating an SDK (pulumi package gen-sdk, pulumi package add)"),
    pack: refuse(NAME, "packing an SDK (pulumi package pack-sdk)"),
    link: refuse(NAME, "linking a local SDK (pulumi package add)"),
  };
}

async function runPlugin(
  call: grpc.ServerWritableStream<languageMessages.RunPluginRequest, languageMessages.RunPluginResponse>,
  children: Children,
): Promise<void> {
  const request = call.request;
  const directory = programDirectory(request.getInfo());
  if (request.getKind() !== "analyzer") {
    throw unsupported(`running a plugin of kind ${JSON.stringify(request.getKind())} written in Node (${directory})`);
  }
  if (request.getAttachDebugger()) throw unsupported("attaching a debugger");
  const options = optionsOf(request.getInfo());
  const command = policyPackCommand(
    { directory, args: request.getArgsList(), options },
    sdkModule(directory, "run-policy-pack"),
    [...PRELOAD, ...(options.typescript ? [] : ["no-ts-node"])].map(preloaded),
  );
  const child = children.start(command, environment(request.getEnvList()), "pipe");
  call.on("cancelled", () => children.stop(child));
  child.stdout?.on("data", (data: Buffer) => call.write(new languageMessages.RunPluginResponse().setStdout(data)));
  child.stderr?.on("data", (data: Buffer) => call.write(new languageMessages.RunPluginResponse().setStderr(data)));
  const { code, signal } = await ending(child);
  call.write(new languageMessages.RunPluginResponse().setExitcode(signal === null ? (code ?? 1) : 128));
  call.end();
}

function requiredPlugins(info: languageMessages.ProgramInfo | undefined) {
  return installedPackages(programDirectory(info), false).flatMap(({ plugin }) =>
    plugin === undefined ? [] : [plugin],
  );
}

function programDirectory(info: languageMessages.ProgramInfo | undefined): string {
  const directory = info?.getProgramDirectory() ?? "";
  if (directory === "")
    throw new CallError(`${NAME}: the engine named no program directory; use Pulumi 3.259 or newer`);
  return directory;
}

function optionsOf(info: languageMessages.ProgramInfo | undefined): RuntimeOptions {
  return runtimeOptions(fromStruct(info?.getOptions()?.toJavaScript()) satisfies JsonObject);
}

function preloaded(name: string): string {
  return fileURLToPath(import.meta.resolve(`./preload/${name}.ts`));
}

/** The SDK the program itself uses, so that both speak the same protocol. */
function sdkModule(directory: string, command: "run" | "run-policy-pack"): string {
  try {
    return createRequire(join(directory, "package.json")).resolve(`@pulumi/pulumi/cmd/${command}/index.js`);
  } catch (cause) {
    throw new Error(`${directory}: @pulumi/pulumi is not installed for this program; run npm ci`, { cause });
  }
}

/** The engine sends the whole environment as `NAME=value`; a later entry wins. */
function environment(entries: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

function unsupported(what: string): CallError {
  return new CallError(
    `${NAME}: the stand-in does not support ${what}; install Pulumi's official release where downloads are possible`,
    grpc.status.UNIMPLEMENTED,
  );
}

/** Adds the language host to a server. */
export function registerLanguageHost(server: grpc.Server, engineAddress: string, children: Children): void {
  server.addService(languageGrpc.LanguageRuntimeService, languageHost(engineAddress, children));
}
