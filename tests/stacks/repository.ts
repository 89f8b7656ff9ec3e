import { mkdtempSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { IMAGE_NAMES } from "../../stacks/schema.ts";

/** A stack file with every part written out, and nothing wrong with it. Tests break one thing of it. */
export const VALID_STACK = `config:
  millwright:platform:
    cluster: { kind: local }
    storage: { kind: node, path: /artifacts, sizeGiB: 20 }
    registry: 127.0.0.1:5000/millwright
  millwright:models:
    - name: mail-triage
      task: text-classification
      dataset:
        source: { kind: npm, package: "@example/mail", version: 1.2.3 }
        format: spam-assassin
        split: { train: 0.7, validation: 0.2, test: 0.1, seed: 17 }
        deadlineSeconds: 1800
      training:
        workers: 2
        epochs: 4
        batchSize: 64
        learningRate: 0.002
        network: { kind: text-cnn, vocabularySize: 20000, embeddingSize: 64 }
        resources: { cpu: 0.5, cpuLimit: 1, memoryGiB: 2 }
      serving:
        engine: mlserver
        scaling: { kind: fixed, replicas: 1 }
  aws:region: eu-central-1
encryptionsalt: v1:abc
`;

/** A small repository in a temporary folder: what a stack file can point at, and nothing else. */
export class Repository {
  readonly root = mkdtempSync(join(tmpdir(), "millwright-stacks-"));

  static async create(): Promise<Repository> {
    const repository = new Repository();
    await repository.write("stacks/Pulumi.local.yaml", VALID_STACK);
    await repository.write("node_modules/@example/mail/package.json", '{ "version": "1.2.3" }');
    await repository.write("node_modules/@example/mail/data/one.txt", "a mail");
    await repository.lock("sha512-one");
    for (const image of IMAGE_NAMES) {
      await repository.write(`workloads/${image}/Dockerfile`, `FROM scratch\n# ${image}\n`);
    }
    return repository;
  }

  async write(path: string, text: string): Promise<void> {
    const file = join(this.root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  async lock(integrity: string | undefined): Promise<void> {
    const locked = { version: "1.2.3", ...(integrity === undefined ? {} : { integrity }) };
    await this.write("package-lock.json", JSON.stringify({ packages: { "node_modules/@example/mail": locked } }));
  }

  async remove(path = ""): Promise<void> {
    await rm(join(this.root, path), { recursive: true, force: true });
  }
}
