"""Starts MLServer on the model folder the environment names.

The model folder and the root file system are read-only, so MLServer's settings are written to the temporary folder.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

# gRPC comes with MLServer; nothing here speaks it, and no Service leads to it.
PORTS = {"http_port": 8080, "grpc_port": 8081, "metrics_port": 8082}


def settings() -> dict[str, object]:
    return {
        "host": "0.0.0.0",
        **{name: int(os.environ.get(f"MILLWRIGHT_{name.upper()}", port)) for name, port in PORTS.items()},
        "metrics_dir": tempfile.gettempdir(),
        "debug": False,
        # One process answers: the network takes a millisecond, and a pool of workers would multiply the memory.
        "parallel_workers": 0,
        "load_models_at_startup": True,
    }


def model_settings(name: str, folder: str, version: str) -> dict[str, object]:
    return {
        "name": name,
        "implementation": "millwright_runtime.classifier.Classifier",
        "platform": "onnxruntime",
        "versions": [version],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probability", "datatype": "FP32", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, -1]},
        ],
        "parameters": {"uri": folder, "version": version},
    }


def main() -> int:
    missing = [name for name in ("MLSERVER_MODEL_NAME", "MLSERVER_MODEL_URI") if not os.environ.get(name)]
    if missing:
        print(f"millwright: {', '.join(missing)} not set; see workloads/CONTRACT.md", file=sys.stderr)
        return 64
    # MLServer reads every MLSERVER_ variable as a setting of its own, and these two are not among them.
    name, folder = os.environ.pop("MLSERVER_MODEL_NAME"), os.environ.pop("MLSERVER_MODEL_URI")
    version = os.environ.get("MILLWRIGHT_VERSION", "unversioned")
    place = Path(tempfile.mkdtemp(prefix="mlserver-"))
    (place / "settings.json").write_text(json.dumps(settings()), encoding="utf-8")
    (place / "model-settings.json").write_text(json.dumps(model_settings(name, folder, version)), encoding="utf-8")
    os.execvp("mlserver", ["mlserver", "start", str(place)])


if __name__ == "__main__":
    sys.exit(main())
