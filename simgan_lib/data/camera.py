"""Draws rows of a table: the parts of an eye, then the two cameras that photograph it.

Lengths are millimetres from the centre of the eyeball. There are two frames: the camera's, X right
and Y down, and the head's, x towards the outer corner and y down, which is tilted, and mirrored for
the other eye. Every processor draws the same bytes. All round sums, products, quotients and roots
of whole arrays alike, but not NumPy's sines and exponentials, so this module has its own.
"""

import io
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
from PIL import Image

SIZE = (35, 55)
EYEBALL, IRIS = 12.0, 5.9  # radii
IRIS_PLANE = math.sqrt(EYEBALL * EYEBALL - IRIS * IRIS)  # from the eyeball's centre to the pupil
CORNERS = 1.3  # how far the lids' corners lie below the eyeball's centre


def look_vector(pitch, yaw):
    """Returns the unit vector of gaze, with x right, y down and z away from the camera."""
    return -cosine(pitch) * sine(yaw), -sine(pitch), -cosine(pitch) * cosine(yaw)


def sine(angle: np.ndarray, terms: int = 11) -> np.ndarray:
    """Computes the sine, the same on every processor. Five terms are enough for a pixel."""
    turns = _turns(angle)
    return _series(np.maximum(np.minimum(turns, 0.5 - turns), -0.5 - turns), terms)


def cosine(angle: np.ndarray, terms: int = 11) -> np.ndarray:
    """Computes the cosine, the same on every processor."""
    return _series(0.25 - np.abs(_turns(angle)), terms)


def _cos(angle):
    return cosine(angle, terms=5)  # right to 4e-6, which is enough for a pixel


def _turns(angle):
    turns = angle * (0.5 / np.pi)
    return turns - np.rint(turns)


def _series(turns, terms):
    """The sine's Taylor series, for turns from -1/4 to 1/4."""
    total = _polynomial(turns * turns, _TAYLOR[:terms])
    total *= turns
    return total


_TAYLOR = [2 * math.pi]
for _k in range(2, 22, 2):
    _TAYLOR.append(-_TAYLOR[-1] * _TAYLOR[0] * _TAYLOR[0] / (_k * (_k + 1)))


def _polynomial(x, factors):
    """Horner's rule, in place: factors[0] + factors[1] * x + factors[2] * x**2 ..."""
    total = x * factors[-1]
    for factor in factors[-2:0:-1]:
        total += factor
        total *= x
    total += factors[0]
    return total


def _exp(x):
    """The exponential of x to 4e-5, for x up to 30."""
    return _decay(x * (-1 / 64))


def _decay(v):
    """exp(-64 v): 1 - v + v**2 / 2, squared six times."""
    total = _polynomial(np.minimum(v, 0.4), (1, -1, 0.5))  # Beyond 0.4, less than 1e-11 is left.
    for _ in range(6):
        total *= total
    return total


def _angle(y, x):
    """The angle of (x, y) to 1e-5: Abramowitz and Stegun, 4.4.49."""
    a, b = np.abs(x), np.abs(y)
    ratio = np.minimum(a, b) / np.maximum(np.maximum(a, b), 1e-6)
    factors = (0.9998660, -0.3302995, 0.1801410, -0.0851330, 0.0208351)
    total = _polynomial(ratio * ratio, factors) * ratio
    total = np.where(b > a, np.pi / 2 - total, total)
    return np.copysign(np.where(x < 0, np.pi - total, total), y)


def pixels_per_mm(zoom, size):
    """Returns the scale: with zoom 1, an image is 37 mm wide, a little wider than the lids."""
    return 1.47 * zoom * min(size[0] / SIZE[0], size[1] / SIZE[1])


def draw(eyes: pd.DataFrame, size: tuple[int, int]) -> np.ndarray:
    """Draws eyes from the skin outwards, as float32 (n, H, W) from 0 to 1."""
    p = SimpleNamespace(**{c: _column(eyes, c) for c in eyes})
    _place(p, size)
    _outline(p)
    scene = _mix(_skin(p), _eyeball(p), p.opening)
    scene = _margins(p, scene) * _lashes(p) * _brow(p) * _shade(p)
    scene = _glasses(p, scene)
    past_head = _step((p.x - 19 + p.head_cut + 0.2 * p.y) * p.scale) * (p.head_cut > 0)
    return np.clip(scene * (1 - past_head), 0, 1)


def _place(p, size):
    """Every pixel's place in the camera's frame and in the head's, and the gaze."""
    height, width = size
    p.scale = pixels_per_mm(p.zoom, size).astype(np.float32)
    px = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    py = np.arange(height, dtype=np.float32)[:, None] - np.float32((height - 1) / 2)
    p.X, p.Y = px / p.scale - p.shift_x, py / p.scale - p.shift_y
    cos, sin = cosine(p.roll), sine(p.roll)
    p.x, p.y = p.side * (cos * p.X + sin * p.Y), cos * p.Y - sin * p.X
    p.look = look_vector(p.pitch, p.yaw)


def _outline(p):
    """The lids follow the pupil up and down: the upper one all the way, the lower one a little."""
    cos, sin = cosine(p.roll), sine(p.roll)
    down = IRIS_PLANE * (cos * p.look[1] - sin * p.look[0])  # of the pupil, in the head's frame
    p.t = p.x / (p.eye_width / 2)  # -1 at the inner corner, 1 at the outer
    t2 = np.minimum(p.t * p.t, 1)
    p.within = 1 - t2 * t2
    line = p.y + p.tilt * p.x - CORNERS  # mm below the line through both corners
    low = p.lower_lid - CORNERS - 0.4 * p.lid_squint + 0.35 * down
    high = np.maximum(IRIS + CORNERS - p.lid_cover - p.lid_squint - down, 2.5 - low)
    p.above = -line - high * _arch(p.t, p.roundness, -0.1)  # mm above the upper lid's edge
    p.below = line - low * _arch(p.t, 0.6 * p.roundness, 0.25)
    crease = np.maximum(p.crease_height + CORNERS, high + 1.3)
    p.fold = -line - crease * _arch(p.t / 1.1, p.roundness, 0.0)
    p.opening = _step(-p.above * p.scale) * _step(-p.below * p.scale) * (np.abs(p.t) < 1)


def _arch(t, roundness, skew):
    """The outline of a lid: 0 at the corners, about 1 between, tapered at the tear duct."""
    t2 = np.minimum(t * t, 1)
    return (1 - t2) * (1 + roundness * t2) * (1 + skew * t) * (1 - 0.6 * t2 * np.clip(-t, 0, 1))


def _skin(p):
    """Skin bulging over the eyeball, folded above and below it."""
    waves = _cos(0.5 * p.x + 2 * _cos(0.6 * p.y + p.texture_phase))
    waves = waves + _cos(0.9 * p.y + 2 * _cos(0.4 * p.x - 0.3 * p.y - p.texture_phase))
    p.mottle = 1 + p.wrinkles * waves
    skin = p.skin * p.mottle
    lid = (p.above > 0) * _ridge(p.fold + 2.5, 2)
    skin = skin * (1 + 0.2 * p.within * lid)
    fade = np.clip(1.5 - p.t * p.t, 0, 1)
    skin *= 1 - p.crease * fade * _ridge(p.fold, 0.8)
    skin *= 1 - 0.4 * p.crease * fade * _ridge(p.fold - 1.5, 2.0)
    skin *= 1 - p.bag * fade * _ridge(p.below - 3.5, 0.8)
    return skin * (1 - 0.6 * p.bag * fade * _ridge(p.below - 2.5, 2.5))


def _eyeball(p):
    """A sphere that carries a flat, textured iris and a black pupil."""
    lx, ly, lz = p.look
    bulge = np.sqrt(np.maximum(1 - (p.X**2 + p.Y**2) / 15**2, 0.05))
    ball = p.sclera * p.mottle * (0.1 + 1.0 * bulge + 0.7 * p.light_x * p.X / 12)
    z = (IRIS_PLANE - p.X * lx - p.Y * ly) / lz  # where the line of sight meets the iris's plane
    r = np.sqrt(np.maximum(p.X**2 + p.Y**2 + z**2 - IRIS_PLANE**2, 0)) / IRIS
    angle = _angle(p.Y - IRIS_PLANE * ly, p.side * (p.X - IRIS_PLANE * lx))
    fibres = _cos(7 * angle - 5 * r + p.texture_phase) * _cos(16 * angle + 3 * r)
    tone = p.iris * (1 + p.iris_texture * (0.5 * fibres + 1.5 * (0.75 - r)))
    tone = tone * (1 - 0.6 * _ridge(r - 1, 0.12))
    ball = _mix(ball, tone, _step((1 - r) * IRIS * p.scale))
    ball = _mix(ball, np.float32(0), _step((p.pupil - r) * IRIS * p.scale))
    gx, gy = p.X - 0.7 * IRIS_PLANE * lx - p.glint_x, p.Y - 0.7 * IRIS_PLANE * ly + 2
    gleam = gx * gx + gy * gy
    ball = ball + p.glint * (_exp(-2 * gleam) + 0.12 * _exp(-gleam / 6))
    duct = p.t + 0.68 + 0.012 * (p.y - 1) ** 2
    flesh = 0.5 * ball + 0.35 * p.skin * (1 - 0.4 * _ridge(duct - 0.02, 0.05))
    ball = _mix(ball, flesh, _step(-4 * duct * p.scale))
    ball = ball * (1 - 0.35 * _exp(np.minimum(p.below, 0) / 1.2))
    return ball * (1 - p.lid_shadow * _ridge(np.minimum(p.above, 0), 0.8 + 2 * p.lid_shadow))


def _margins(p, scene):
    """The lids' thickness: dark edge above, wet bright edge below."""
    inside = np.sqrt(p.within)
    scene = scene * (1 - 0.35 * inside * _ridge(p.above - 0.3, 0.6))
    dots = _cos(4.1 * p.x + p.texture_phase) * _cos(1.7 * p.x - p.texture_phase)
    wet = 0.15 + 0.8 * np.abs(dots) * _ridge(p.t - 0.5 - 0.3 * _cos(p.texture_phase), 0.3)
    scene = scene + 0.5 * inside * wet * _ridge(p.below - 0.3, 0.35) * p.sclera
    scene = scene + 0.12 * inside * p.sclera * _ridge(p.above - 1.1, 0.35)
    return scene * (1 - 0.3 * inside * _ridge(p.below - 1.6, 0.5))


def _lashes(p):
    """Hairs that fan out from the upper lid, and fewer from the lower."""
    root = p.x - 0.5 * p.t * p.above
    hairs = 0.5 + 0.5 * _cos(3.2 * root + 3 * sine(0.9 * root + p.texture_phase, terms=5))
    length = p.lash_length * (0.75 + 0.25 * p.t) + 0.1
    reach = np.clip(1 - p.above / length, 0, 1) * _step((p.above + 0.5) * p.scale)
    line = _ridge(p.above, 0.6 + p.lash)
    under = _ridge(p.below - 0.8, 0.8)
    weight = p.lash * p.within
    return (1 - weight * hairs * reach) * (1 - weight * line) * (1 - 0.4 * weight * under)


def _brow(p):
    """A band of slanted hairs along the top."""
    centre = p.y + p.brow_height - 0.012 * (p.x - 3) ** 2
    root = p.x + 1.2 * p.y
    hairs = 0.85 + 0.15 * _cos(1.9 * root + 2 * _cos(0.5 * root + 0.6 * p.y + p.texture_phase))
    return 1 - p.brow * hairs * np.clip(1.6 - np.abs(centre) / 2.2, 0, 1)


def _shade(p):
    """Light from one side, the socket's shadow, and a shadow cast across the face."""
    light = _exp(0.5 * p.light_x * p.X / 15 + 0.6 * p.light_y * p.Y / 12)
    light *= 1 - p.socket * _ridge(p.x, 18) * _ridge(p.y + 1, 7)
    corners = _ridge(np.abs(p.t) - 1.02, 0.22) * _ridge(p.y + p.tilt * p.x - CORNERS, 2.8)
    light *= 1 - p.socket * corners * np.clip(1 - p.light_x * p.X / 10, 0, 1)
    edge = p.X * np.sign(p.shadow_x) + 6 * np.abs(p.shadow_x) - 9 + 0.3 * p.Y
    return light * (1 - p.shadow / (1 + _exp(-edge / 1.4)))


def _glasses(p, scene):
    """A rim around the eye, bright or dark, and the room's light on the lens."""
    if not p.glasses.any():
        return scene
    u, v = (p.x - p.rim_x) / 24, (p.y - 4) / (p.rim_height + 4)
    rim = (np.sqrt(np.sqrt((u * u) ** 2 + (v * v) ** 2)) - 1) * 15
    worn = np.float32(p.glasses > 0)
    scene = _mix(scene, np.float32(0.03), worn * _step(rim * p.scale) * _step((3 - rim) * p.scale))
    scene = scene + worn * 0.6 * p.glasses * _ridge(rim + 0.6, 0.5)
    pane = np.clip(1 - np.abs(p.x - 4 * p.side * p.light_x + 0.5 * p.y) / 3, 0, 1)
    return scene + 0.4 * worn * p.reflection * pane * np.clip(1 - np.abs(p.y + 2) / 5, 0, 1)


def _step(pixels):
    """0 to 1 over one pixel: the share of the pixel that lies inside."""
    return np.clip(pixels + 0.5, 0, 1)


def _ridge(distance, width):
    ratio = distance * (0.125 / width)
    ratio *= ratio
    return _decay(ratio)


def _mix(under, over, share):
    return under + (over - under) * share


def camera_simulator(scene: np.ndarray, eyes: pd.DataFrame) -> np.ndarray:
    """Photographs scenes with a perfect camera: only the exposure varies."""
    return np.clip(255 * _column(eyes, "exposure") * scene, 0, 255).astype(np.uint8)


def camera_webcam(scene: np.ndarray, eyes: pd.DataFrame) -> np.ndarray:
    """Photographs scenes with a webcam, as MPIIGaze's normalised images were made.

    In order: the lens's blur, the sensor's noise, JPEG, resampling of the crop, and equalisation.
    """
    enlarged = min(scene.shape[1] / SIZE[0], scene.shape[2] / SIZE[1])
    light = blur(255 * _column(eyes, "exposure") * scene, _column(eyes, "blur") * enlarged)
    seeds = eyes["noise_seed"].to_numpy()
    # A generator for each image, so that its noise does not depend on the rest of the batch. Rare
    # values come from logarithms, which processors round differently: steps of 2**-16 hide it.
    grain = [np.random.default_rng(seed).standard_normal(light.shape[1:]) for seed in seeds]
    grain = (np.rint(np.multiply(grain, 65536)) / 65536).astype(np.float32)
    # Noise grows with the root of the light, and a little is there without any.
    photons = np.sqrt(0.02 + np.clip(light, 0, 255) / 128)
    light += _column(eyes, "noise") * photons * np.reshape(grain, light.shape)
    pixels = np.clip(light, 0, 255).astype(np.uint8)
    for image, quality in zip(pixels, eyes["jpeg"], strict=True):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=int(quality))
        image[:] = Image.open(file, formats=["JPEG"])
    resampled = blur(pixels.astype(np.float32), np.float32(0.7 * enlarged)).astype(np.uint8)
    for image in resampled:
        image[:] = equalize(image)
    return resampled


def blur(images: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Blurs images (n, H, W) with Gaussians of `sigma` pixels, (n, 1, 1) or one for all."""
    sigma = np.maximum(np.float32(sigma), np.float32(0.01)).reshape(-1, 1)

    def weights(n):
        bell = np.rint(_exp(-0.5 * (np.arange(n, dtype=np.float32) / sigma) ** 2) * 2**17)
        place = np.arange(n)
        matrix = bell.astype(float)[:, abs(place[:, None] - place)]
        matrix = np.rint(matrix / matrix.sum(axis=-1, keepdims=True) * 2**17) / 2**17
        matrix[:, place, place] += 1 - matrix.sum(axis=-1)
        return matrix

    # Pixels are multiples of 2**-8, and weights of 2**-17: a float64 holds their sums exactly, and
    # the order of summing, which differs between processors, does not matter.
    pixels = np.rint(images * np.float32(256)).astype(float) / 256
    height, width = images.shape[1:]
    blurred = weights(height) @ pixels @ np.swapaxes(weights(width), -1, -2)
    return blurred.astype(np.float32)


def equalize(image: np.ndarray) -> np.ndarray:
    """Equalises a histogram: every level becomes 255 times the share of pixels at or below it.

    Example:
        >>> equalize(np.array([[100, 101, 101, 103]], np.uint8))
        array([[ 63, 191, 191, 255]], dtype=uint8)
    """
    share = np.cumsum(np.bincount(image.ravel(), minlength=256)) / image.size
    return (255 * share).astype(np.uint8)[image]


def _column(eyes, name):
    """Returns a column as (n, 1, 1), for broadcasting with pixels."""
    return eyes[name].to_numpy(np.float32)[:, None, None]


CAMERAS = {"simulator": camera_simulator, "webcam": camera_webcam}
