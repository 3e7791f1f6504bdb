"""Programs that take turns: each in a process of its own, one of them at work at a time.

A machine's speed drifts, by a tenth within minutes where it is shared. So nothing here is timed
once and compared with something timed later. All warm up, and then work in turn, A B A B. Ratios
are taken within a turn, and their median counts.
"""

import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = ROOT / ".venv" / "torch" / "bin" / "python"


class Turns:
    """A worker's side: says that it is ready, waits for its turn, reports."""

    def __init__(self):
        # Libraries print what they like to standard output; reports keep the real one.
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def say(self, **what) -> None:
        """Sends a report; the first one says what the driver should know before any turn."""
        print(json.dumps(what), file=self._out, flush=True)

    def wait(self) -> None:
        """Returns when it is this worker's turn; ends the process when there are no more."""
        if not sys.stdin.readline():
            # At once: a training loop above has nothing left to save.
            os._exit(0)
        self._start = time.perf_counter()

    def done(self, **measured) -> None:
        """Reports the turn: its seconds, and what else was measured."""
        self.say(seconds=time.perf_counter() - self._start, **measured)

    def serve(self, work, **about) -> None:
        """Is ready, and takes all turns: each is one call of `work`, whose dict is reported."""
        self.say(**about)
        while True:
            self.wait()
            self.done(**work())


class Worker:
    """The driver's side of a worker: `about` is what it said when it was ready.

    Args:
        module: Module of this package. Its `work` is called with `Turns` and the options.
        python: The interpreter.
        variables: Environment variables to set.
        **options: Numbers, texts, lists.
    """

    def __init__(self, module: str, python=sys.executable, variables=None, **options):
        self._command = [python, "-m", "benchmarks.workers", module, json.dumps(options)]
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **(variables or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.about = self._read()

    def turn(self) -> dict:
        """Lets it work once and returns its report."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._read()

    def end(self) -> None:
        """Ends it. A worker also ends when its driver does."""
        self._process.communicate()

    def _read(self):
        for line in self._process.stdout:
            # What a library printed before there were turns is skipped.
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"{self._command} ended with {self._process.wait()}; see above.")


def once(module: str, **options) -> dict:
    """Starts a worker for one turn and returns its report."""
    worker = Worker(module, **options)
    report = worker.turn()
    worker.end()
    return report


def alternate(calls: dict, turns: int) -> dict[str, list]:
    """Calls each in turn and returns what each returned. The first turn does not count."""
    rounds = [{name: call() for name, call in calls.items()} for _ in range(1 + turns)]
    return {name: [found[name] for found in rounds[1:]] for name in calls}


def timed(call, *arguments) -> float:
    """Returns the seconds of one call."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def medians(values: dict[str, list[float]]) -> dict[str, float]:
    """Returns the median of each."""
    return {name: statistics.median(found) for name, found in values.items()}


def ratio(above: list[float], below: list[float]) -> float:
    """Returns the median of the ratios, turn by turn."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


if __name__ == "__main__":
    name, options = sys.argv[1:]
    turns = Turns()
    importlib.import_module(f"benchmarks.{name}").work(turns, **json.loads(options))
