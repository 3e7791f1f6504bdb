"""Measures whether refining helps: gaze error, realism, labels kept, tables and ablations."""

import numpy as np
import pandas as pd


def summarise(per_seed) -> dict:
    """Summarises a number over seeds: `mean`, `std` (of a sample, 0 for one) and `per_seed`."""
    values = [float(value) for value in per_seed]
    std = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": std, "per_seed": values}


def with_spread(summary: dict, unit: str = "", decimals: int = 1) -> str:
    """Writes what `summarise` returns: the mean, and the spread if there are several seeds.

    A NaN, for what was not measured, becomes a dash.

    Example:
        >>> with_spread(summarise([8.0, 9.0]), " deg"), with_spread(summarise([8.0]))
        ('8.5 ± 0.7 deg', '8.0')
    """
    if np.isnan(summary["mean"]):
        return "-"
    spread = f" ± {summary['std']:.{decimals}f}" if len(summary["per_seed"]) > 1 else ""
    return f"{summary['mean']:,.{decimals}f}{spread}{unit}"


def to_markdown(table: pd.DataFrame) -> str:
    """Writes a table in Markdown, without its index."""
    lines = [table.columns, ["---"] * len(table.columns), *table.to_numpy()]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
