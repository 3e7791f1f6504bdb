"""Damaged files: a small one of every kind that is read, and seeded changes to its bytes."""

import re
import resource
import shutil
import warnings
import zlib
from pathlib import Path

import h5py
import numpy as np
from drawn_files import labelled, some_images, some_looks, write_group, write_unityeyes
from PIL import Image
from scipy.io import savemat

from simgan_lib.config import UserError
from simgan_lib.data import check, read_images, save_images
from simgan_lib.evaluation.report import table
from simgan_lib.runs import Run, reference_run

BEST = reference_run("best").folder
GROWTH = 300 * 2**20  # bytes that a damaged file may take


def stacked(folder):
    save_images(folder / "a.h5", labelled(6))
    return folder / "a.h5"


def group(folder):
    write_group(folder / "gaze.h5", some_images(6), some_looks(6))
    return folder / "gaze.h5"


def mpiigaze(folder):
    day = folder / "p00/day01.mat"
    day.parent.mkdir()
    eye = {"image": some_images(3, (36, 60)), "gaze": some_looks(3), "pose": np.zeros((3, 3))}
    savemat(day, {"data": {"left": eye, "right": eye}}, do_compression=True)
    savemat(day.with_name("day02.mat"), {"data": {"left": eye, "right": eye}})
    return folder


def unityeyes(folder):
    write_unityeyes(folder, 1, (0.1, 0.2, -0.9747), (265, 300))
    return folder


def pictures(folder):
    for number, ending in enumerate(("png", "jpg", "gif", "tif", "bmp", "webp", "pgm")):
        Image.fromarray(some_images(1)[0]).save(folder / f"{number}.{ending}")
    labels = labelled(7).labels.assign(file=[str(number) for number in range(7)])
    labels.to_csv(folder / "labels.csv", index=False)
    return folder


def tables(folder):
    labels = labelled(6).labels.assign(id=range(6), who="Ann")
    for number, ending in enumerate(("csv", "tsv", "json")):
        with h5py.File(folder / f"{number}.h5", "w") as file:
            file["image"] = some_images(6)
        text = labels.to_csv(index=False, sep="\t" if ending == "tsv" else ",")
        text = labels.to_json(orient="records") if ending == "json" else text
        (folder / f"{number}.{ending}").write_text(text)
    return folder


READERS = (stacked, group, mpiigaze, unityeyes, pictures, tables)


def read_data(path):
    """What users do with a file. Labels as bytes, so that NaN equals NaN."""
    if path.is_dir() and list(path.glob("*.h5")):
        return [read_data(file) for file in sorted(path.glob("*.h5"))]
    if not (path / "p00").exists():  # Each reading of MPIIGaze starts a process.
        check(path)
    read = read_images(path, size=(35, 55), gray=True, progress=False)
    return read.images.tobytes(), None if read.labels is None else read.labels.to_csv()


def run(folder):
    names = ("config.json", "environment.json", "metrics.csv", "snapshots.h5", "evaluation.json")
    for name in (*names, "refiner.keras", "discriminator.keras"):
        shutil.copy(BEST / name, folder)
    saved = (BEST / "refiner.keras").read_bytes()  # Any bytes do: the name holds their checksum.
    (folder / "checkpoint").mkdir()
    checkpoint = folder / f"checkpoint/00000001-{zlib.crc32(saved):08x}.weights.h5"
    checkpoint.write_bytes(saved)
    return folder


def weights(network):
    return [variable.numpy().tobytes() for variable in network.variables]


RUN = {
    "config.json": lambda run: run.config.to_json(),
    "environment.json": lambda run: (run.environment, run.real_name, repr(run)),
    "metrics.csv": lambda run: (run.metrics.to_csv(), repr(run)),
    "snapshots.h5": lambda run: {name: v.tobytes() for name, v in run.snapshots.items()},
    "refiner.keras": lambda run: weights(run.refiner()),
    "discriminator.keras": lambda run: weights(run.discriminator()),
    "checkpoint": lambda run: run.checkpoint(),
    "evaluation.json": lambda run: run.evaluation and table(run.evaluation),
}


def damage(data: bytes, rng) -> bytes:
    """One change, of the kinds that disks, networks and people make."""
    data = bytearray(data)
    place = int(rng.integers(len(data)))
    # Headers are at the beginning, and in zip archives at the end.
    if rng.random() < 0.5:
        place = min(place, int(rng.integers(1, 2049)) - 1)
    length = int(rng.integers(1, 65))
    kind = rng.integers(8)
    if kind == 0:
        for k in rng.integers(len(data), size=length):
            data[k] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        data[place] ^= int(rng.integers(1, 256))
    elif kind == 2:
        del data[place:]
    elif kind == 3:
        del data[place : place + length]
    elif kind == 4:
        data[place:place] = rng.bytes(length)
    elif kind == 5:
        data[place : place + length] = bytes([int(rng.choice([0, 255]))]) * length
    elif kind == 6:
        data[place:place] = data[place : place + 8 * length]
    else:  # A number becomes another one, or text.
        numbers = list(re.finditer(rb"-?\d+(\.\d+)?", bytes(data)))
        if numbers:
            found = numbers[int(rng.integers(len(numbers)))]
            others = (b"NaN", b"-1", b"1e999", b"0", b"9" * 25, b"\x1b[2J", b'"x"', b"null", b"[]")
            data[found.start() : found.end()] = others[int(rng.integers(len(others)))]
    return bytes(data)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fuzz(path: Path, victims: list[Path], read, exact: bool, tries: int) -> dict:
    """Damages files, one at a time, and counts what became of the reading.

    `exact` says that whatever is still read must be what was written.
    """
    counts, faults, expected = {"same": 0, "other": 0, "refused": 0}, [], read(path)
    for seed in range(tries):
        rng = np.random.default_rng([seed, len(victims)])
        victim = victims[seed % len(victims)]
        whole, before = victim.read_bytes(), peak()
        victim.write_bytes(damage(whole, rng))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = "same" if read(path) == expected else "other"
            if exact and found == "other":
                faults.append(f"{victim.name}, seed {seed}: other content was read")
        except UserError as error:
            found = "refused"
            names = (victim.name, victim.stem, "checkpoint")
            if not any(name in str(error) for name in names) and str(path) not in str(error):
                faults.append(f"{victim.name}, seed {seed}: names no file: {error}")
            if not str(error).replace("\n", "").isprintable():
                faults.append(f"{victim.name}, seed {seed}: {str(error)!r}")
        except Exception as error:
            found = "raised"
            faults.append(f"{victim.name}, seed {seed}: {type(error).__name__}: {error}"[:300])
        finally:
            victim.write_bytes(whole)
        if peak() - before > GROWTH:
            faults.append(f"{victim.name}, seed {seed}: {(peak() - before) / 2**20:.0f} MiB")
        counts[found] = counts.get(found, 0) + 1
    return {"counts": counts, "faults": faults}


def fuzz_reader(make, folder, tries):
    path = make(folder)
    if make is mpiigaze:  # It is slow.
        tries = -(-tries // 3)
    victims = sorted(file for file in folder.rglob("*") if file.is_file())
    if make is tables:
        victims = [file for file in victims if file.suffix != ".h5"]
    return fuzz(path, victims, read_data, make is stacked, tries)


def fuzz_run(name, folder, tries):
    run(folder)
    victim = folder / name
    victim = next(victim.iterdir()) if victim.is_dir() else victim
    read = RUN[name]

    def found(folder):
        return read(Run(folder))

    return fuzz(folder, [victim], found, name.endswith((".keras", ".h5")), tries)
