import numpy as np
import pytest
from keras import ops

from simgan_lib.config import UserError
from simgan_lib.data import to_uint8
from simgan_lib.data.camera import equalize
from simgan_lib.models import (
    build_discriminator,
    build_refiner,
    equalised,
    receptive_field,
    refine,
)


def changed_pixels(model, image):
    """Which outputs notice a change of the input's central pixel?"""
    poked = image.copy()
    poked[0, image.shape[1] // 2, image.shape[2] // 2] += 1.0
    before, after = (ops.convert_to_numpy(model(x)) for x in (image, poked))
    return np.argwhere(np.abs(after - before).max(axis=(0, -1)) > 0)


def test_sizes_are_the_papers():
    refiner, discriminator = build_refiner(), build_discriminator()
    assert refiner.count_params() == 296_129
    assert refiner.output_shape == (None, 35, 55, 1)
    assert discriminator.count_params() == 75_906
    assert discriminator.output_shape == (None, 9, 14, 2)


def test_hands_variants_of_the_paper():
    refiner = build_refiner((224, 224, 1), kernel_size=7, blocks=10)
    assert refiner.output_shape == (None, 224, 224, 1)
    # 7x7 kernels of 64 features: one from the image, 20 in the blocks, then 1x1.
    assert refiner.count_params() == (49 + 1) * 64 + 20 * (49 * 64 + 1) * 64 + 65
    discriminator = build_discriminator(
        (224, 224, 1), kernel_sizes=(7, 5, 3), strides=(4, 2, 2), pool_stride=2
    )
    assert discriminator.output_shape == (None, 7, 7, 2)


def test_receptive_field_is_what_a_poked_pixel_reaches():
    image = np.random.default_rng(0).uniform(-1, 1, (1, 35, 55, 1)).astype("float32")
    rows, columns = changed_pixels(build_refiner(seed=0), image).T
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == receptive_field(build_refiner()) == 19
    assert receptive_field(build_discriminator()) == 23


def test_a_patch_sees_23_pixels():
    discriminator = build_discriminator((63, 63, 1), seed=0)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 63, 63, 1)).astype("float32")
    before = ops.convert_to_numpy(discriminator(image))[0, 8, 8]
    seen = []
    for column in range(63):
        poked = image.copy()
        poked[0, :, column] += 5.0
        after = ops.convert_to_numpy(discriminator(poked))[0, 8, 8]
        if np.abs(after - before).max() > 0:
            seen.append(column)
    assert max(seen) - min(seen) + 1 == 23


def test_any_size_and_colour():
    refiner = build_refiner((None, None, 3), filters=8, blocks=1)
    assert refiner(np.zeros((2, 21, 33, 3), "float32")).shape == (2, 21, 33, 3)


def test_output_stays_in_range_with_tanh():
    image = np.full((1, 35, 55, 1), 1.0, "float32")
    refiner = build_refiner(filters=8, blocks=1)
    refiner.set_weights([10 * w for w in refiner.get_weights()])
    assert np.abs(ops.convert_to_numpy(refiner(image))).max() <= 1.0


def test_equalised_does_what_equalising_a_histogram_does():
    """On normally distributed gray levels the two are the same; exposure makes no difference."""
    image = np.random.default_rng(0).normal(100, 25, (1, 70, 110, 1)).clip(0, 255)
    image = image.astype("uint8").astype("float32")
    smooth = ops.convert_to_numpy(equalised(image))
    exact = equalize(image[0, ..., 0].astype("uint8")).astype(int)
    assert np.abs(to_uint8(smooth)[0].astype(int) - exact).max() < 8
    np.testing.assert_allclose(equalised(0.3 * image + 5), smooth, atol=1e-3)


def test_an_equalised_refiner_has_no_brightness_of_its_own():
    images = np.random.default_rng(0).uniform(-1, 0.5, (2, 35, 55, 1)).astype("float32")
    images[1] = 0.25  # one gray level: nothing to spread
    plain = build_refiner(filters=8, blocks=1, output_activation="linear", seed=0)
    refiner = build_refiner(filters=8, blocks=1, output_activation="equalised", seed=0)
    np.testing.assert_allclose(refiner(images), equalised(plain(images)), atol=1e-6)
    refined = ops.convert_to_numpy(refiner(images))
    assert np.isfinite(refined).all()
    assert np.abs(refined).max() <= 1
    assert abs(refined[0].mean()) < 0.15


def test_seed_gives_the_same_weights_and_layers_differ():
    one, two, other = (build_refiner(seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0], other[0])
    assert not np.array_equal(one[2], one[4]), "two convolutions of a block share their kernel"


@pytest.mark.parametrize("build", [build_refiner, build_discriminator])
def test_mixed_precision_keeps_weights_and_outputs_float32(build):
    model = build(dtype="mixed_bfloat16")
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert str(model.output.dtype) == "float32"
    assert model.layers[1].compute_dtype == "bfloat16"


def test_refine_gives_what_the_network_gives_whatever_the_batch_size():
    images = np.random.default_rng(0).integers(0, 256, (24, 12, 16), "uint8")
    refiner = build_refiner((12, 16, 1), filters=8, blocks=1, seed=0)
    whole = refine(refiner, images)
    np.testing.assert_array_equal(whole, refine(refiner, images, batch_size=7))
    direct = ops.convert_to_numpy(refiner(images[..., None] / 127.5 - 1.0))[..., 0]
    assert np.abs(whole - (direct + 1) * 127.5).max() <= 0.51


def test_refine_follows_the_weights_though_it_is_compiled_once():
    images = np.random.default_rng(0).integers(0, 256, (5, 12, 16), "uint8")
    refiner = build_refiner((12, 16, 1), filters=8, blocks=1, seed=0)
    before = refine(refiner, images)
    refiner.set_weights([-weights for weights in refiner.get_weights()])
    assert (refine(refiner, images) != before).any()
    refiner.set_weights([-weights for weights in refiner.get_weights()])
    np.testing.assert_array_equal(refine(refiner, images), before)


def test_refine_refuses_images_of_another_size():
    with pytest.raises(UserError, match=r"\(12, 16, 1\).*\(12, 17, 1\).*size="):
        refine(build_refiner((12, 16, 1), filters=8), np.zeros((2, 12, 17), "uint8"))
