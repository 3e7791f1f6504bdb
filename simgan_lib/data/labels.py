"""Gaze labels: their columns, units and axes. Other labels may stand beside them."""

from pathlib import Path

import numpy as np
import pandas as pd

from simgan_lib.data.files import DataError

LABELS = {
    "pitch": "gaze angle, radians, up is positive: asin(-look_y)",
    "yaw": "gaze angle, radians, to the image's left is positive: atan2(-look_x, -look_z)",
    "look_x": "gaze direction, unit vector in camera coordinates, x to the image's right",
    "look_y": "gaze direction, y down",
    "look_z": "gaze direction, z away from the camera: an eye that looks at it has -1",
    "pupil_x": "centre of the pupil, pixels to the right of the left-most pixel's centre",
    "pupil_y": "centre of the pupil, pixels down from the top pixel's centre",
}
ANGLES = ["pitch", "yaw"]
LOOK = ["look_x", "look_y", "look_z"]


def gaze_labels(look: np.ndarray, source: str | Path = "look") -> pd.DataFrame:
    """Computes pitch, yaw (radians), look_x, look_y and look_z from gaze directions.

    Args:
        look: Array `(n, 3)` of unit vectors in the axes of `LABELS`. Missing ones are NaN.
        source: Where they come from, for an error.

    Raises:
        DataError: If a vector's length is not 1, give or take 0.02.

    Example:
        >>> gaze_labels([[0, -0.6, -0.8]]).round(3)
           pitch  yaw  look_x  look_y  look_z
        0  0.644 -0.0     0.0    -0.6    -0.8
    """
    look = np.asarray(look, float)
    length = np.linalg.norm(look, axis=1, keepdims=True)
    far = (np.abs(length - 1) > 0.02).ravel()
    if far.any():
        some = f"{far.sum()} of {len(look)} gaze vectors are not of length 1, e.g. {far.argmax()}"
        raise DataError(f"{source}: {some}: {look[far][0].round(4).tolist()}. Leave these out.")
    x, y, z = (look / length).T
    angles = {"pitch": np.arcsin(-y), "yaw": np.arctan2(-x, -z)}
    return pd.DataFrame(angles | {"look_x": x, "look_y": y, "look_z": z})
