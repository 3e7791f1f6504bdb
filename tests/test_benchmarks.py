"""The benchmarks compute what they claim to; nothing is timed here."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from benchmarks import __main__ as bench
from benchmarks import commands, cpu_round, gpu, workers
from benchmarks.rounds import noise, operations, report_round
from simgan_lib.config import preset

ROOT = Path(__file__).parent.parent
SMALL = report_round(smoke=True, precision="float32")


def test_operations_are_those_of_the_paper_networks():
    """R multiplies 296,129 weights less its 577 biases at 1,925 pixels of each image."""
    counted = operations(preset("report"))
    r = 2 * (296_129 - 577) * 35 * 55
    d = 2 * (9 * 96 * 18 * 28 + (9 * 96 * 64 + 9 * 64 * 32 + 32 * 32 + 32 * 2) * 9 * 14)
    first_r, first_d = 2 * 9 * 64 * 35 * 55, 2 * 9 * 96 * 18 * 28
    assert counted["refiner_update"] == 32 * (3 * r - first_r + 2 * d)
    assert counted["discriminator_update"] == 64 * (3 * d - first_d) + 16 * r
    assert counted["round"] == counted["refiner_update"] + 10 * counted["discriminator_update"]
    assert counted["round"] == pytest.approx(330e9, rel=0.05), "the issue's estimate"


@pytest.fixture(scope="module")
def ours():
    """Our model with SGD, whose steps no small number in a denominator blurs."""
    from simgan_lib.simgan import SimGAN

    return SimGAN(SMALL.replace(optimizer="sgd", buffer_size=0))


@pytest.fixture(scope="module")
def course(ours, tmp_path_factory):
    """Our losses over three steps of each network, and what the peers need to repeat them."""
    from simgan_lib import backends
    from simgan_lib.data import to_float
    from simgan_lib.losses import REAL, REFINED, local_adversarial

    synthetic, real = (to_float(images) for images in noise(3 * SMALL.batch_size))
    pairs = list(zip(np.split(synthetic, 3), np.split(real, 3), strict=True))
    networks = {"refiner": ours.refiner, "discriminator": ours.discriminator}
    before = {name: network.get_weights() for name, network in networks.items()}
    steps = {"refiner": [], "discriminator": [], "alternating": []}
    for x, _ in pairs:
        steps["refiner"].append(float(ours.update_refiner(x)["refiner_loss"]))
    refined = [ops.convert_to_numpy(ours.refiner(x)) for x, _ in pairs]
    for (_, y), fresh in zip(pairs, refined, strict=True):
        logs = ours.update_discriminator(y, fresh)
        steps["discriminator"].append(float(logs["discriminator_loss"]))
    ours.discriminator.set_weights(before["discriminator"])
    for (_, y), fresh in zip(pairs, refined, strict=True):
        for images, label in ((y, REAL), (fresh, REFINED)):

            def loss(images=images, label=label):
                value = local_adversarial(ours.discriminator(images), label)
                return value, {"loss": value}

            logs = backends.current().gradient_update(
                loss,
                ours.discriminator_optimizer,
                ours.discriminator.trainable_variables,
                ours.variables,
            )
            steps["alternating"].append(float(logs["loss"]))
    ours.refiner.set_weights(before["refiner"])
    images = {"refined": np.stack(refined)}
    for name, position in (("synthetic", 0), ("real", 1)):
        images[name] = np.stack([ops.convert_to_numpy(pair[position]) for pair in pairs])
    path = tmp_path_factory.mktemp("course") / "course.npz"
    arrays = {f"{n}_{k:02d}": w for n, weights in before.items() for k, w in enumerate(weights)}
    np.savez(path, **images, **arrays)
    return before, images, steps, path


def test_the_keras_peer_computes_our_losses(course):
    from benchmarks.peers_keras import UsualKeras

    before, images, steps, _ = course
    peer = UsualKeras(SMALL)
    for model, rate, weights in (
        (peer.combined, SMALL.refiner_learning_rate, [SMALL.lambda_mean, 1.0]),
        (peer.discriminator, SMALL.discriminator_learning_rate, None),
    ):
        sgd = keras.optimizers.SGD(rate)
        model.compile(sgd, model.loss, loss_weights=weights, jit_compile=False)
    peer.refiner.set_weights(before["refiner"])
    peer.discriminator.set_weights(before["discriminator"])
    frozen = [weight.copy() for weight in peer.discriminator.get_weights()]
    found = [peer.update_refiner(x) for x in images["synthetic"]]
    np.testing.assert_allclose(found, steps["refiner"], rtol=1e-4)
    for weight, kept in zip(peer.discriminator.get_weights(), frozen, strict=True):
        np.testing.assert_array_equal(weight, kept)
    np.testing.assert_allclose(
        peer.refiner.predict_on_batch(images["synthetic"][0]), images["refined"][0], atol=1e-4
    )
    found = [
        peer.train_discriminator(batch, label)
        for pair in zip(images["real"], images["refined"], strict=True)
        for label, batch in enumerate(pair)
    ]
    np.testing.assert_allclose(found, steps["alternating"], rtol=1e-4)
    assert not np.array_equal(peer.discriminator.get_weights()[0], frozen[0])


TORCH_PEER = """
import json, sys
import numpy as np, torch
from benchmarks.peers_torch import UsualTorch
from benchmarks.rounds import report_round
saved = np.load(sys.argv[1])
config = report_round(smoke=True, precision="float32")
peer = UsualTorch(config)
rates = config.refiner_learning_rate, config.discriminator_learning_rate
for name, rate in zip(("refiner", "discriminator"), rates):
    network = getattr(peer, name)
    peer.optimizers[network] = torch.optim.SGD(network.parameters(), rate)
    arrays = [saved[key] for key in sorted(saved.files) if key.startswith(name + "_")]
    for parameter, array in zip(network.parameters(), arrays, strict=True):
        value = torch.from_numpy(array)
        parameter.data.copy_(value.permute(3, 2, 0, 1) if value.ndim == 4 else value)
def images(name, k):
    return torch.from_numpy(saved[name][k]).permute(0, 3, 1, 2)
r = [peer.update_refiner(images("synthetic", k)) for k in range(3)]
d = [peer.train_discriminator(images("real", k), images("refined", k)) for k in range(3)]
full = UsualTorch(report_round(smoke=False, precision="float32"))
counts = [sum(p.numel() for p in network.parameters()) for network in full.optimizers]
print(json.dumps({"refiner": r, "discriminator": d, "parameters": counts}))
"""


def test_the_torch_peer_computes_our_losses(course):
    if not workers.TORCH.exists():
        pytest.skip("no PyTorch: 'make bench' installs it into .venv/torch")
    _, _, steps, path = course
    done = subprocess.run(
        [workers.TORCH, "-c", TORCH_PEER, str(path)],
        cwd=ROOT,
        # Two threads on busy cores wait for each other for most of a minute.
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    np.testing.assert_allclose(found["refiner"], steps["refiner"], rtol=1e-4)
    np.testing.assert_allclose(found["discriminator"], steps["discriminator"], rtol=1e-4)
    assert found["parameters"] == [296_129, 75_906]


def test_workers_take_turns(tmp_path):
    code = "from benchmarks.workers import Turns; import time; print('noise')\n"
    code += "Turns().serve(lambda: {{'at': time.perf_counter()}}, who={!r})"
    for name in "ab":
        (tmp_path / f"turn_{name}.py").write_text(code.format(name))
    # As a module of the package would be, but from elsewhere.
    original = subprocess.Popen

    def popen(command, **options):
        command = [command[0], tmp_path / f"{command[3]}.py"]
        return original(command, **options | {"env": {**options["env"], "PYTHONPATH": str(ROOT)}})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers.subprocess, "Popen", popen)
        running = {name: workers.Worker(f"turn_{name}") for name in "ab"}
    assert [worker.about["who"] for worker in running.values()] == ["a", "b"]
    found = workers.alternate({name: worker.turn for name, worker in running.items()}, turns=3)
    for worker in running.values():
        worker.end()
    times = [report["at"] for pair in zip(found["a"], found["b"], strict=True) for report in pair]
    assert len(times) == 6
    assert times == sorted(times), "A B A B A B"


def test_speedups_are_medians_of_ratios_within_turns():
    def reports(*seconds):
        return [{"seconds": value} for value in seconds]

    # The machine slows down by half after the first turn: no ratio may notice.
    found = {"auto": reports(1.0, 2.0, 2.0), "float32": reports(2.0, 4.0, 4.0)}
    found |= {"bfloat16": reports(1.0, 2.0, 2.0), "keras float32": reports(3.0, 6.0, 6.6)}
    found |= {"keras bfloat16": reports(1.5, 3.0, 3.0)}
    for dtype, rate in (("float32", 200.0), ("bfloat16", 500.0)):
        found[f"ceiling {dtype}"] = [{"rate": r} for r in (rate, rate / 2, rate / 2)]
    result = cpu_round.compare(found, operations=320.0)
    assert result["speedup_vs_keras"] == {"auto": 3.0, "float32": 1.5, "bfloat16_both": 1.5}
    assert result["ceiling_fraction"] == {"float32": 0.8, "bfloat16": 0.64}
    assert "speedup_vs_torch" not in result, "PyTorch was left out"


def test_the_driver_writes_the_record_and_the_page(tmp_path, capsys):
    rows = ["loading", "simulator", "install", "sizes", "waiting"]
    bench.main([*rows, "--smoke", "--out", str(tmp_path)])
    results = json.loads((tmp_path / "results.json").read_text())
    assert set(results) == set(rows)
    assert results["loading"]["environment"]["cores"] >= 1
    assert results["loading"]["speedup"] > 0
    assert results["install"]["packages"] > 10
    assert results["sizes"]["35x55 colour, 4 maps"]["seconds_a_round"] > 0
    assert 0 < results["waiting"]["installing"] < results["waiting"]["all"]
    page = (tmp_path / "README.md").read_text()
    assert bench.fill(page, results) == page
    assert bench.speed(results) in page
    assert bench.speed(results) in capsys.readouterr().out
    with pytest.raises(SystemExit):
        bench.main(["nonsense", "--out", str(tmp_path)])


def test_the_page_shows_the_record():
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    page = (ROOT / "benchmarks" / "README.md").read_text()
    assert bench.fill(page, results) == page, "run 'make bench'"
    for found in results.values():
        assert not found["environment"]["smoke"], "a smoke run is no record"


def test_a_command_is_watched_from_outside():
    code = "import sys, time; print('first', end='', flush=True); time.sleep(0.2); print('last')"
    ended = commands.run(sys.executable, "-c", code, marks=("first", "last", "never"))
    assert 0 < ended["first"] < ended["last"] <= ended["seconds"]
    assert "never" not in ended
    assert ended["peak_gib"] > 1e-3
    with pytest.raises(RuntimeError, match="oh no"):
        commands.run(sys.executable, "-c", "raise SystemExit('oh no')")


def test_kernels_of_a_gpu_are_counted_once(tmp_path):
    def name(what, pid, tid, value):
        ids = {"pid": pid} | ({"tid": tid} if tid else {})
        return {"ph": "M", "name": what, **ids, "args": {"name": value}}

    def event(tid, what, microseconds):
        return {"ph": "X", "pid": 1, "tid": tid, "name": what, "ts": 0, "dur": microseconds}

    events = [
        name("process_name", 1, None, "/device:GPU:0"),
        name("thread_name", 1, 7, "Stream #13(Compute)"),
        name("thread_name", 1, 8, "XLA Ops"),
        *(event(7, "conv.1", 30), event(7, "conv.2", 50), event(7, "sort", 20)),
        event(8, "conv", 80),
        {},
    ]
    path = tmp_path / "x.trace.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"traceEvents": events}).encode()))
    found = gpu.kernels_of(path)
    assert found == pytest.approx({"conv": 80e-6, "sort": 20e-6})


def test_the_gpu_script_runs_on_a_cpu(tmp_path):
    path = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "benchmarks.gpu", "profile", "--smoke", "--out", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())["profile"]["bfloat16"]
    assert sum(found["kernels"].values()) == pytest.approx(1, abs=0.5)
    assert found["seconds_a_round"] > 0
    assert "| bfloat16: the device at work |" in done.stdout
