// Does not prove that these are all the texts there are: they are those of client-go, Go's network and the provider's wrapping.
import assert from "node:assert/strict";
import { backOff, isTransient } from "../../../scripts/converge/transient.ts";

const wrapped = (reason: string) =>
  `resource mill/mail-triage was not successfully created by the Kubernetes API server: ${reason}`;
const live = (reason: string) =>
  `1 error occurred:\n\t* the Kubernetes API server reported that "mill/mail-triage" failed to fully initialize or become live: ${reason}`;
const url = "https://10.0.0.1:6443/apis/apps/v1/namespaces/mill/deployments/mail-triage?fieldManager=m&force=true";

describe("a failed run of the engine is transient where it ended for", () => {
  const cases: readonly string[] = [
    wrapped("the server has received too many requests and has asked us to try again later (patch configmaps a)"),
    wrapped("Internal error occurred: etcdserver: no leader"),
    'Internal error occurred: failed calling webhook "validate.kueue.x-k8s.io": failed to call webhook: Post "https://k.kueue.svc:443/v?timeout=10s": dial tcp 10.1.2.3:443: connect: connection refused',
    live('an error on the server ("injected") has prevented the request from succeeding (patch deployments.apps m)'),
    'an error on the server ("<html>\n502 Bad Gateway\n</html>") has prevented the request from succeeding',
    "unexpected status: 502 Bad Gateway",
    wrapped("the server is currently unable to handle the request (get deployments.apps mail-triage)"),
    "HTTP 503 Service Unavailable",
    "the server was unable to return a response in the time allotted, but may still be processing the request",
    "504: Gateway Timeout",
    "Timeout: request did not complete within requested timeout - context deadline exceeded",
    "etcdserver: request timed out, waiting for the applied index took too long",
    "etcdserver: leader changed",
    'Operation cannot be fulfilled on deployments.apps "m": the object has been modified; please apply your changes to the latest version and try again',
    `Server-Side Apply field conflict detected. See https://www.pulumi.com/registry for troubleshooting help\n: Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again`,
    `configured Kubernetes cluster is unreachable: unable to load schema information from the API server: Get "https://10.0.0.1:6443/openapi/v2?timeout=32s": dial tcp 10.0.0.1:6443: connect: connection refused`,
    `Patch "${url}": read tcp 127.0.0.1:51324->127.0.0.1:6443: read: connection reset by peer`,
    `Patch "${url}": write tcp 127.0.0.1:51324->127.0.0.1:6443: write: broken pipe`,
    `Get "${url}": EOF`,
    "unexpected error when reading response body. Please retry. Original error: unexpected EOF",
    `Get "${url}": http2: server sent GOAWAY and closed the connection; LastStreamID=1999, ErrCode=NO_ERROR, debug=""`,
    `Get "${url}": http2: client connection lost`,
    `Get "${url}": dial tcp 10.0.0.1:6443: i/o timeout`,
    `Get "${url}": net/http: TLS handshake timeout`,
    `Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    "client rate limiter Wait returned an error: context deadline exceeded",
    "net/http: request canceled (Client.Timeout or context cancellation while reading body)",
    "Running program '/work' failed with an unhandled exception:\nError: connect ECONNREFUSED 127.0.0.1:6443",
  ];
  for (const text of cases) {
    it(text.slice(0, 110), () => {
      assert.equal(isTransient(text), true);
      assert.equal(isTransient(["update failed", text, "1 error occurred"]), true, "among lines that say nothing");
    });
  }
});

describe("a failed run of the engine is not transient where it ended for", () => {
  const cases: readonly string[] = [
    live('Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas'),
    live(
      'Server-Side Apply field conflict detected. See https://www.pulumi.com/registry for troubleshooting help\n: Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas',
    ),
    wrapped('configmaps "a" is forbidden: User "dev" cannot patch resource "configmaps" in API group ""'),
    wrapped("Unauthorized"),
    'Deployment.apps "m" is invalid: spec.template.spec.containers[0].image: Required value',
    "failed to create typed patch object (mill/m; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema",
    'namespaces "mill" not found',
    "the server could not find the requested resource",
    'no matches for kind "ScaledObject" in version "keda.sh/v1alpha1"',
    'admission webhook "validate.kueue.x-k8s.io" denied the request: quota is used up',
    "2 policy violation(s) stopped the run before the objects were made",
    "[mandatory]  millwright v0.1.0  no-latest (kubernetes:apps/v1:Deployment: m)",
    live("'m' timed out waiting to be Ready\n\t* [Pod mill/m-1]: Readiness probe failed: connect: connection refused"),
    live("timed out waiting for the condition"),
    "TypeError: Cannot read properties of undefined (reading 'ECONNREFUSED')\n    at file:///work/index.ts:500:12",
    `Get "${url}": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    "error: the stack is currently locked by 1 lock(s)",
    "at line 500 of index.ts, 503 objects, EOFException",
    "update failed",
    "",
  ];
  for (const text of cases) {
    it(text.slice(0, 110) || "nothing that is known", () => assert.equal(isTransient(text), false));
  }

  it("both a transient and a lasting reason: the next run would end for the lasting one", () => {
    assert.equal(isTransient([`Get "${url}": EOF`, 'namespaces "mill" not found']), false);
  });
});

describe("pauses between runs", () => {
  it("double up to 30 s, are bounded, and outlast an API server that is away for a minute", () => {
    const pauses = Array.from({ length: 20 }, (_, i) => backOff(i + 1)).filter((pause) => pause !== undefined);
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 30, 30]);
    assert.ok(pauses.reduce((sum, pause) => sum + pause, 0) >= 90);
  });
});
