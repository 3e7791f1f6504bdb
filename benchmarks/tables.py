"""The Markdown tables of `README.md`, made from `results.json` alone."""

import re

MARKED = re.compile(r"(<!-- table:(\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)
NONE = "not measured"


# What; where in results.json; how to show it; the target.
AT_LEAST = (
    ("a round, `auto`, against Keras", "cpu_round.speedup_vs_keras.auto", "{:.2f}x", 2.5),
    ("a round, `auto`, against PyTorch", "cpu_round.speedup_vs_torch.auto", "{:.2f}x", 3),
    ("a round, float32, against Keras", "cpu_round.speedup_vs_keras.float32", "{:.2f}x", 1.35),
    ("a round, float32, against PyTorch", "cpu_round.speedup_vs_torch.float32", "{:.2f}x", 1.6),
    ("a round, float32, of the ceiling", "cpu_round.ceiling_fraction.float32", "{:.0%}", 0.85),
    ("a round, bfloat16, of the ceiling", "cpu_round.ceiling_fraction.bfloat16", "{:.0%}", 0.75),
    ("Kaggle file, against `np.stack`", "loading.speedup_first", "{:.2f}x", 1),
    ("simulator, images a second", "simulator.images_per_second", "{:,.0f}", 1000),
    ("refining, of the float32 ceiling", "refine.ceiling_fraction", "{:.0%}", 0.75),
)
AT_MOST = (
    ("memory, 50,000 + 34,100 images, peak", "memory.peak_gib", "{:.2f} GiB", 2),
    ("`simgan train` to the end of the first round", "startup.first_round_ends_s", "{:.1f} s", 12),
    ("callbacks, snapshots and dashboard add", "callbacks.overhead", "{:.1%}", 0.03),
)


def markdown(heads: list[str], rows: list[list]) -> str:
    """Writes a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def rounded(value, digits: int = 4):
    """Rounds all numbers in a nested structure to so many significant digits."""
    if isinstance(value, dict):
        return {key: rounded(inner, digits) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner, digits) for inner in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def speed(results: dict) -> str:
    """Returns the table of all targets: what was measured, what was asked, whether it is met."""
    rows = []
    targets = [("at least", *row) for row in AT_LEAST] + [("at most", *row) for row in AT_MOST]
    for sign, what, keys, shown, target in targets:
        value = results
        for key in keys.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            measured, met = NONE, ""
        else:
            measured = shown.format(value)
            reached = value >= target if sign == "at least" else value <= target
            met = "yes" if reached else "**no**"
        rows.append([what, measured, f"{sign} {shown.format(target)}", met])
    return markdown(["what", "measured", "target", "met"], rows)


def seconds(results: dict) -> str:
    """Returns the seconds behind the first rows, with each ratio's lowest and highest turn."""
    found = results.get("cpu_round")
    if not found:
        return NONE
    rows = []
    for name, value in found["seconds"].items():
        precision = found["auto_precision"] if name == "auto" else name.split()[-1]
        rate, ceiling = found["operations"]["round"] / value, found["ceiling_rate"][precision]
        shown = name if " " in name else f"ours, {name}"
        rows.append([shown, f"{value:.2f}", f"{rate / 1e9:.0f}", f"{rate / ceiling:.0%}"])
    for precision, rate in found["ceiling_rate"].items():
        rows.append([f"matrix product, {precision}", "", f"{rate / 1e9:.0f}", "100%"])
    return markdown(["a round", "seconds", "GFLOP/s", "of the ceiling"], rows)


def profile(results: dict) -> str:
    """Returns where a round's time goes, before and after, and what it takes at the ceiling."""
    found = results.get("profiling")
    if not found:
        return NONE
    heads, rows = ["kind of operation"], []
    for precision in found:
        heads += [f"{precision}: Keras, ms", "ours, ms", "at the ceiling", "of it"]
    kinds = sorted(
        {kind for part in found.values() for kind in part["seconds"] | part["seconds_usual"]},
        key=lambda kind: -next(iter(found.values()))["seconds"].get(kind, 0),
    )
    for kind in [*kinds, "all"]:
        cells = []
        for part in found.values():
            usual, value, bound = (
                sum(part[of].values()) if kind == "all" else part[of].get(kind, 0)
                for of in ("seconds_usual", "seconds", "seconds_at_ceiling")
            )
            cells += [f"{1e3 * usual:.0f}", f"{1e3 * value:.0f}"]
            cells += [f"{1e3 * bound:.0f}", f"{bound / value:.0%}"] if bound and value else ["", ""]
        rows.append([kind, *cells])
    return markdown(heads, rows)


def growth(results: dict) -> str:
    """Returns the points of the curves."""
    found = results.get("growth")
    if not found:
        return NONE
    rows = []
    for axis, points in found["axes"].items():
        for point in points:
            size = point["problem"]
            shown = f"{size['height']}x{size['width']}" if axis == "pixels" else size[axis]
            operations, part = point["operations"] / 1e9, point["ceiling_fraction"]
            rows.append(
                [axis, shown, f"{operations:,.0f}", f"{point['seconds']:.3g}", f"{part:.0%}"]
            )
    return markdown(["axis", "size", "GFLOP", "seconds", "of the ceiling"], rows)


def hardware(results: dict) -> str:
    """Returns the machine and the versions, in a line."""
    found = results.get("environment")
    if not found:
        return NONE
    return ", ".join(
        f"{name} {' '.join(value) if isinstance(value, list) else value}"
        for name, value in found.items()
        if value not in (False, "", [])
    )


TABLES = {table.__name__: table for table in (speed, seconds, profile, growth, hardware)}


def fill(text: str, results: dict) -> str:
    """Returns a page with its tables made anew from the results."""
    return MARKED.sub(lambda m: f"{m[1]}{TABLES[m[2]](results)}\n{m[3]}", text)
