"""Programs that take turns: each in a process of its own, one of them at work at a time.

A machine's speed drifts, by a tenth within minutes where it is shared. So nothing here is timed
once and compared with something timed later: the programs are started, warmed up, and then work
in turn, A B A B; ratios are taken within a turn, and their median counts.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = ROOT / ".venv" / "torch" / "bin" / "python"


class Turns:
    """A worker's side: says that it is ready, waits for its turn, reports.

    Args:
        **about: What the driver should know before the first turn.
    """

    def __init__(self, **about):
        # Libraries print what they like to standard output; reports keep the real one.
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._report(about)

    def wait(self) -> None:
        """Returns when it is this worker's turn; ends the process when there are no more."""
        if not sys.stdin.readline():
            # At once: a training loop above has nothing left to save.
            os._exit(0)
        self._start = time.perf_counter()

    def done(self, **measured) -> None:
        """Reports the turn: its seconds, unless given, and what else was measured."""
        self._report({"seconds": time.perf_counter() - self._start, **measured})

    def serve(self, work) -> None:
        """Takes all turns: each is one call of `work`, which may return a dict to report."""
        while True:
            self.wait()
            self.done(**(work() or {}))

    def _report(self, what):
        print(json.dumps(what), file=self._out, flush=True)


class Worker:
    """The driver's side of a worker: `about` is what it said when it was ready.

    Args:
        module: Module of this package, run as a program.
        python: The interpreter.
        variables: Environment variables to set.
        **options: Handed to the module as one JSON argument.
    """

    def __init__(self, module: str, python=sys.executable, variables=None, **options):
        self._process = subprocess.Popen(
            [python, "-m", f"benchmarks.{module}", json.dumps(options)],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **(variables or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._name = f"benchmarks.{module} {options}"
        self.about = self._read()

    def turn(self) -> dict:
        """Lets it work once and returns its report."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._read()

    def end(self) -> None:
        """Ends it."""
        self._process.communicate()

    def _read(self):
        for line in self._process.stdout:
            # What a library printed before there were turns is skipped.
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"{self._name} ended with {self._process.wait()}; see above.")


@contextmanager
def started(workers: dict[str, tuple[str, dict]]):
    """Starts workers by name, from module and options, one after the other, and ends them all."""
    with ExitStack() as stack:
        running = {}
        for name, (module, options) in workers.items():
            running[name] = Worker(module, **options)
            stack.callback(running[name].end)
        yield running


def alternate(workers: dict[str, Worker], turns: int) -> dict[str, list[dict]]:
    """Lets workers take turns, and returns the reports of each. The first turn does not count."""
    rounds = [{name: worker.turn() for name, worker in workers.items()} for _ in range(1 + turns)]
    return {name: [reports[name] for reports in rounds[1:]] for name in workers}


def ratio(above: list[float], below: list[float]) -> float:
    """Returns the median of the ratios, turn by turn."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))
