"""The process torchrun starts once its group has met: says so at once, before PyTorch is loaded, which can take long."""

from __future__ import annotations

import importlib
import sys

from . import processes


def main() -> int:
    processes.die_with_parent()
    processes.report_started()
    code: int = importlib.import_module(".train", __package__).main()
    return code


if __name__ == "__main__":
    sys.exit(main())
