"""Every test writes real files in the layout that it reads; none needs a network."""

import itertools
import json
import os
import subprocess
import sys
import types
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from drawn_files import (
    in_colour,
    labelled,
    some_images,
    some_looks,
    write_group,
    write_pictures,
    write_unityeyes,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from simgan_lib.data import (
    LABELS,
    DataError,
    GazeData,
    ImageSet,
    batch_indices,
    check,
    fetch_kaggle,
    load,
    make_simulated,
    read_images,
    save_images,
    simulator,
    to_float,
    to_uint8,
)

SHARED = Path(__file__).parents[2] / "shared" / "data"
GAZE = ["pitch", "yaw", "look_x", "look_y", "look_z"]


def expected_labels(look):
    """From UnityEyes' axes to the convention of LABELS, one gaze at a time."""
    rows = []
    for x, y, z in look:
        rows.append([np.arcsin(y), np.arctan2(-x, -z), x, -y, z])
    return np.array(rows)


def test_save_and_read_give_the_same(tmp_path):
    made = labelled()
    save_images(tmp_path / "deep/a.h5", made)
    read = read_images(tmp_path / "deep/a.h5")
    np.testing.assert_array_equal(read.images, made.images)
    pd.testing.assert_frame_equal(read.labels, made.labels, rtol=1e-12)
    assert not [line for line in check(tmp_path / "deep/a.h5") if line.startswith("PROBLEM")]
    with pytest.raises(DataError, match=r"must end in \.h5"):
        save_images(tmp_path / "a.png", made)
    with pytest.raises(DataError, match="exists"):
        save_images(tmp_path / "deep/a.h5", labelled(seed=2))
    save_images(tmp_path / "deep/a.h5", ImageSet(some_images(3)), overwrite=True)
    assert read_images(tmp_path / "deep/a.h5").labels is None, "labels of the old images stayed"


def test_the_csv_documents_its_units_and_is_readable_with_or_without_them(tmp_path):
    save_images(tmp_path / "a.h5", labelled())
    text = (tmp_path / "a.csv").read_text()
    assert f"# pitch: {LABELS['pitch']}\n" in text
    with_comments = pd.read_csv(tmp_path / "a.csv", comment="#")
    (tmp_path / "a.csv").write_text("".join(t for t in text.splitlines(True) if t[0] != "#"))
    pd.testing.assert_frame_equal(read_images(tmp_path / "a.h5").labels, with_comments)


def test_a_kill_half_way_leaves_no_half_written_file(tmp_path):
    """The process dies while it writes the HDF5 file."""
    program = (
        "import os, sys, h5py, numpy as np\n"
        "from simgan_lib.data import ImageSet, save_images\n"
        "h5py.File.create_dataset = lambda *a, **k: os._exit(9)\n"
        "save_images(sys.argv[1], ImageSet(np.zeros((3, 35, 55), np.uint8)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "a.h5"], check=False)
    assert done.returncode == 9
    assert not (tmp_path / "a.h5").exists()
    save_images(tmp_path / "a.h5", labelled())
    assert len(read_images(tmp_path / "a.h5")) == 12


def test_damaged_and_cut_files_are_told(tmp_path):
    path = tmp_path / "a.h5"
    save_images(path, labelled())
    whole = path.read_bytes()
    place = whole.index(labelled().images.tobytes()[:64])
    path.write_bytes(whole[:place] + b"\xff\x00\xff" + whole[place + 3 :])
    with pytest.raises(DataError, match=r"cannot be read.*may be damaged"):
        read_images(path)
    assert check(path)[0].startswith("PROBLEM")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"a\.h5 cannot be read.*cut short"):
        read_images(path)


def test_a_kill_between_the_two_files_is_noticed(tmp_path, monkeypatch):
    """The new labels are there, the new images are not."""
    path = tmp_path / "a.h5"
    save_images(path, labelled(seed=1))
    replace = os.replace

    def killed(source, target):
        if target == path:
            raise KeyboardInterrupt
        replace(source, target)

    for new in (labelled(seed=2), ImageSet(some_images(12))):
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                save_images(path, new, overwrite=True)
        with pytest.raises(DataError, match=r"may not belong together.*--overwrite"):
            read_images(path)
        save_images(path, new, overwrite=True)
        np.testing.assert_array_equal(read_images(path).images, new.images)


def test_line_ends_of_another_system_are_no_change(tmp_path):
    save_images(tmp_path / "a.h5", labelled())
    text = (tmp_path / "a.csv").read_bytes()
    (tmp_path / "a.csv").write_bytes(text.replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(read_images(tmp_path / "a.h5").labels, labelled().labels)


def test_check_sees_changes_behind_the_checksum(tmp_path):
    path = tmp_path / "a.h5"
    save_images(path, labelled())
    with h5py.File(path, "a") as file:
        file["image"][3, 0, 0] ^= 1
    assert [line for line in check(path) if "images were changed" in line]
    save_images(path, labelled(), overwrite=True)
    table = path.with_suffix(".csv")
    table.write_text(table.read_text().replace("27.0", "28.0", 1))
    assert [line for line in check(path) if "a.csv was changed" in line]
    table.unlink()
    assert [line for line in check(path) if "a.csv was changed or removed" in line]


@pytest.mark.parametrize("name", ["gaze", "synthetic_gaze"])
@pytest.mark.parametrize("columns", [3, 4])
def test_group_is_read_in_the_order_of_the_numbers(tmp_path, name, columns):
    images, look = some_images(), some_looks()
    padded = np.concatenate([look, np.zeros((12, 1))], axis=1)[:, :columns]
    write_group(tmp_path / f"{name}.h5", images, padded)
    read = read_images(tmp_path / f"{name}.h5")
    np.testing.assert_array_equal(read.images, images)
    np.testing.assert_allclose(read.labels[GAZE], expected_labels(look), atol=1e-12)
    as_text = sorted(range(12), key=str)
    assert as_text != list(range(12)), "the test must be able to tell the orders apart"
    assert not np.allclose(read.labels["pitch"], expected_labels(look)[as_text, 0])


def test_labels_of_any_kind_come_back_unchanged(tmp_path):
    labels = pd.DataFrame(
        {
            "person": ["007", "NA", " left", "a,b"],
            "note": ["x", None, "#3", "two\nlines"],
            "digit": np.array([3, 1, 4, 1], np.int8),
            "weight": np.array([0.1, np.nan, 1 / 3, 1e-30], np.float32),
            "exact": np.random.default_rng(0).normal(size=4),
            "glasses": [True, False, True, False],
            "when": pd.to_datetime(["2017-07-21", "2018-01-02", "2019-03-04", "2020-05-06"]),
            "kind": pd.Categorical(["a", "b", "a", "b"]),
            "angle_deg": [90.0, 0.0, 1.0, 2.0],
        }
    )
    save_images(tmp_path / "a.h5", ImageSet(some_images(4), labels))
    pd.testing.assert_frame_equal(read_images(tmp_path / "a.h5").labels, labels, rtol=0, atol=0)


def test_labels_of_any_kind_ride_along_from_every_layout(tmp_path):
    others = pd.DataFrame({"digit": [7, 5, 9], "person": ["Ann", "Bob", "Ann"], "age": [0.5, 1, 2]})
    write_pictures(tmp_path / "folder", others)
    write_group(tmp_path / "gaze.h5", some_images(3))
    others.assign(id=range(3)).to_csv(tmp_path / "gaze.csv", index=False)
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["image"] = some_images(3)[..., None]
    others.to_csv(tmp_path / "mine.csv", index=False)
    for name in ("folder", "gaze.h5", "mine.h5"):
        read = read_images(tmp_path / name)
        assert read.labels["person"].tolist() == ["Ann", "Bob", "Ann"]
        assert read.labels["age"].tolist() == [0.5, 1, 2]
        np.testing.assert_array_equal(read.images, some_images(3))
        save_images(tmp_path / "again.h5", read, overwrite=True)
        pd.testing.assert_frame_equal(read_images(tmp_path / "again.h5").labels, read.labels)
    assert read_images(tmp_path / "folder").labels["digit"].tolist() == [7, 5, 9]


def test_names_of_pictures_may_be_numbers_or_hold_dots(tmp_path):
    names = ["007", "a.b", "7"]
    for name, image in zip(names, some_images(3), strict=True):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    pd.DataFrame({"File": names, "age": [1, 2, 3]}).to_csv(tmp_path / "l.csv", index=False)
    read = read_images(tmp_path)
    ages = dict(zip(map(bytes, read.images), read.labels["age"], strict=True))
    assert [ages[bytes(image)] for image in some_images(3)] == [1, 2, 3]


@pytest.mark.parametrize("size", [(35, 55), (64, 64), (128, 128)])
def test_colour_is_kept_by_every_reader(tmp_path, size):
    images = in_colour(3, size)
    write_group(tmp_path / "group.h5", images)
    save_images(tmp_path / "stacked.h5", ImageSet(images))
    (tmp_path / "folder").mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"folder/{i}.png")
    gray = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in images])
    for name in ("group.h5", "stacked.h5", "folder"):
        read = read_images(tmp_path / name)
        np.testing.assert_array_equal(read.images, images)
        assert read.image_shape == (*size, 3)
        np.testing.assert_array_equal(read_images(tmp_path / name, gray=True).images, gray)
        assert read_images(tmp_path / name, size=(32, 48)).images.shape == (3, 32, 48, 3)
        data = load(tmp_path / name, tmp_path / "stacked.h5", limit=2, progress=False)
        assert data.image_shape == (*size, 3)
        assert "2 colour images" in repr(data)
    assert not [line for line in check(tmp_path / "stacked.h5") if line.startswith("PROBLEM")]


def test_gray_and_colour_are_never_mixed_silently(tmp_path, simulated):
    Image.fromarray(in_colour(1)[0]).save(tmp_path / "1.png")
    colour = read_images(tmp_path)
    with pytest.raises(DataError, match=r"gray=True \(--gray\)"):
        load(simulated, tmp_path, progress=False)
    assert load(simulated, tmp_path, progress=False, gray=True).image_shape == (35, 55, 1)
    with pytest.raises(DataError, match=r"gray=True \(--gray\)"):
        GazeData(colour, ImageSet(some_images()))
    for number, mode in enumerate(["L", "1", "LA", "I;16"]):
        white = (255, 255) if mode == "LA" else 65535 if mode == "I;16" else 255
        Image.new(mode, (55, 35), white).save(tmp_path / f"{mode[0]}{number}.png")
    with pytest.raises(DataError, match=r"gray=True \(--gray\)"):
        read_images(tmp_path)
    assert read_images(tmp_path, gray=True).images.shape == (5, 35, 55)
    (tmp_path / "1.png").unlink()
    assert read_images(tmp_path).images.shape == (4, 35, 55)


@pytest.mark.parametrize(
    ("column", "form"),
    [("image_number", "{}"), ("Index", "{}"), ("path", "imgs/eye_{}.jpg"), ("Unnamed: 0", "{}")],
)
def test_csv_rows_are_matched_by_number(tmp_path, column, form):
    look = some_looks()
    write_group(tmp_path / "gaze.h5", some_images())
    table = pd.DataFrame(look, columns=["Look_Vec_X", "Look_Vec_Y", "Look_Vec_Z"])
    table = table.assign(pupil_size=np.arange(12.0), head="(1, 2, 3)")
    table.insert(0, column, [form.format(i) for i in range(12)])
    table.iloc[sorted(range(12), key=str)].to_csv(tmp_path / "gaze.csv", index=False)
    labels = read_images(tmp_path / "gaze.h5").labels
    np.testing.assert_allclose(labels[GAZE], expected_labels(look), atol=1e-12)
    np.testing.assert_array_equal(labels["pupil_size"], np.arange(12.0))
    assert labels["head"].tolist() == ["(1, 2, 3)"] * 12


@pytest.mark.parametrize("form", ["records", "by number", "nested"])
def test_json_labels(tmp_path, form):
    look, order = some_looks(), sorted(range(12), key=str)
    write_group(tmp_path / "synthetic_gaze.h5", some_images())
    if form == "records":
        rows = [[i, *look[i]] for i in order]
        data = [dict(zip(["id", "gaze_x", "gaze_y", "gaze_z"], r, strict=True)) for r in rows]
    elif form == "by number":
        data = {str(i): {"look_vec": f"({', '.join(map(str, look[i]))}, 0.0000)"} for i in order}
    else:
        data = [{"id": i, "eye_details": {"look_vec": look[i].tolist()}} for i in order]
    (tmp_path / "synthetic_gaze.json").write_text(json.dumps(data))
    labels = read_images(tmp_path / "synthetic_gaze.h5").labels
    np.testing.assert_allclose(labels[GAZE], expected_labels(look), atol=1e-12)


def test_real_gaze_takes_no_labels_of_the_synthetic_images(tmp_path):
    write_group(tmp_path / "real_gaze.h5", some_images())
    labelled().labels.to_csv(tmp_path / "gaze.csv", index=False)
    assert read_images(tmp_path / "real_gaze.h5").labels is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a,b\n1,2\n", "12 images"),
        ("id,x,y,z\n" + "".join(f"{i + 1},0,0,-1\n" for i in range(12)), r"no row for \[0\]"),
        ("id,x,y,z\n" + "".join(f"{i % 12},0,0,-1\n" for i in range(13)), "twice"),
        ("", "gaze.csv cannot be read"),
    ],
)
def test_tables_that_do_not_fit_say_what_is_missing(tmp_path, table, message):
    write_group(tmp_path / "gaze.h5", some_images())
    (tmp_path / "gaze.csv").write_text(table)
    with pytest.raises(DataError, match=message):
        read_images(tmp_path / "gaze.h5")
    assert check(tmp_path / "gaze.h5")[0].startswith("PROBLEM")


def test_groups_with_faults_are_told(tmp_path):
    path = tmp_path / "gaze.h5"
    images = list(some_images(4))
    for odd, message in [
        (np.zeros((36, 60), np.uint8), r"differ in size.*\(36, 60\) and \(35, 55\)"),
        (np.zeros((35, 55), np.float32), "image 2 is .* float32"),
    ]:
        write_group(path, [*images[:2], odd, *images[2:]])
        with pytest.raises(DataError, match=message):
            read_images(path)
    write_group(path, images, some_looks(3))
    with pytest.raises(DataError, match=r"look_vec is \(3, 3\); expected \(4, 3 or 4\)"):
        read_images(path)
    write_group(path, images, some_looks(4) * 2)
    assert any("not of length 1" in line for line in check(path))
    with h5py.File(path, "w") as file:
        file["images"] = some_images()
    with pytest.raises(DataError, match="holds no `image`, only: images"):
        read_images(path)
    with h5py.File(path, "w") as file:
        file.create_group("image")
    with pytest.raises(DataError, match="must hold data sets"):
        read_images(path)


def test_mpiigaze_folder(tmp_path):
    gaze = {}
    for person, day, seed in [("p00", "day02", 1), ("p00", "day10", 2), ("p01", "day01", 3)]:
        eyes = {}
        for eye, shift in (("left", 0), ("right", 10)):
            look = some_looks(2, seed + shift)
            gaze[person, day, eye] = look
            images = some_images(2, (36, 60), seed + shift)
            eyes[eye] = {"image": images, "gaze": look, "pose": np.zeros((2, 3))}
        (tmp_path / person).mkdir(exist_ok=True)
        savemat(tmp_path / person / f"{day}.mat", {"data": eyes, "filenames": ["a", "b"]})
    read = read_images(tmp_path)
    assert read.images.shape == (12, 36, 60)
    np.testing.assert_array_equal(read.images[2:4], some_images(2, (36, 60), 11))
    look = np.concatenate(list(gaze.values()))
    np.testing.assert_allclose(read.labels["pitch"], np.arcsin(-look[:, 1]))
    np.testing.assert_allclose(read.labels["yaw"], np.arctan2(-look[:, 0], -look[:, 2]))
    assert list(read.labels["person"]) == ["p00"] * 8 + ["p01"] * 4
    assert list(read.labels["eye"]) == ["left", "left", "right", "right"] * 3
    assert read_images(tmp_path, size=(35, 55)).images.shape == (12, 35, 55)
    (tmp_path / "p01/day01.mat").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"day01\.mat cannot be read"):
        read_images(tmp_path)


@pytest.mark.parametrize("inner", ["", "imgs"])
def test_unityeyes_folder(tmp_path, inner):
    folder = tmp_path / inner
    folder.mkdir(exist_ok=True)
    middle, far = (265, 300), 30
    # In Unity's axes: towards the camera, to the right of the picture, up.
    write_unityeyes(folder, 1, (0, 0, -1), middle)
    write_unityeyes(folder, 2, (0.6, 0, -0.8), (middle[0] + far, middle[1]))
    write_unityeyes(folder, 10, (0, 0.6, -0.8), (middle[0], middle[1] - far))
    read = read_images(tmp_path)
    assert read.images.shape == (3, 35, 55, 3)
    labels = read.labels
    assert labels["head_pose"].tolist() == ["(0.0, 180.0, 0.0)"] * 3
    np.testing.assert_allclose(labels["look_x"], [0, 0.6, 0], atol=1e-3)
    np.testing.assert_allclose(labels["look_y"], [0, 0, -0.6], atol=1e-3)
    np.testing.assert_allclose(labels["yaw"], [0, -np.arctan2(0.6, 0.8), 0], atol=1e-3)
    np.testing.assert_allclose(labels["pitch"], [0, 0, np.arcsin(0.6)], atol=1e-3)
    assert labels["pupil_x"][1] > labels["pupil_x"][0] + 5
    assert labels["pupil_y"][2] < labels["pupil_y"][0] - 5
    # The labelled pupil is where the dark disc is in the crop.
    for image, row in zip(read.images, labels.itertuples(), strict=True):
        weight = (image[..., 0] < 100).astype(float)
        y, x = (weight * np.indices(weight.shape)).sum(axis=(1, 2)) / weight.sum()
        assert abs(x - row.pupil_x) < 0.3
        assert abs(y - row.pupil_y) < 0.3
    # The eye's 130 pixels and a quarter fill the 55 columns; bigger results keep the framing.
    large = read_images(tmp_path, size=(70, 110))
    assert large.images.shape == (3, 70, 110, 3)
    np.testing.assert_allclose(large.labels["pupil_x"], labels["pupil_x"] * 2 + 0.5, atol=1e-9)
    span = labels["pupil_x"][1] - labels["pupil_x"][0]
    np.testing.assert_allclose(span, far * 55 / (130 * 1.25), atol=1e-6)


def test_unityeyes_crop_stays_inside_the_picture(tmp_path):
    write_unityeyes(tmp_path, 1, (0, 0, -1), (30, 20), box=(0, 60, 0, 40))
    write_unityeyes(tmp_path, 2, (0, 0, -1), (80, 60), box=(0, 160, 0, 120), size=(160, 120))
    read = read_images(tmp_path)
    for image, row in zip(read.images, read.labels.itertuples(), strict=True):
        weight = (image[..., 0] < 100).astype(float)
        y, x = (weight * np.indices(weight.shape)).sum(axis=(1, 2)) / weight.sum()
        assert np.hypot(x - row.pupil_x, y - row.pupil_y) < 0.5
    (tmp_path / "2.json").write_text('{"eye_details": {}}')
    with pytest.raises(DataError, match=r"2\.json cannot be read.*look_vec"):
        read_images(tmp_path)


def test_plain_folder_with_labels_by_name(tmp_path):
    made = labelled()
    for i, image in enumerate(made.images):
        Image.fromarray(image).save(tmp_path / f"eye{i}.png")
    assert read_images(tmp_path).labels is None
    order = np.random.default_rng(0).permutation(12)
    table = made.labels.assign(file=[f"eye{i}.png" for i in range(12)]).iloc[order]
    table.to_csv(tmp_path / "labels.csv", index=False)
    read = read_images(tmp_path)
    np.testing.assert_array_equal(read.images, made.images)
    names = made.labels.assign(file=[f"eye{i}.png" for i in range(12)])
    pd.testing.assert_frame_equal(read.labels, names, rtol=1e-12)
    double = read_images(tmp_path, size=(70, 110))
    assert double.images.shape == (12, 70, 110)
    assert set(double.labels["pupil_x"]) == {(27 + 0.5) * 2 - 0.5}
    Image.fromarray(made.images[0]).save(tmp_path / "extra.png")
    with pytest.raises(DataError, match=r"no row for .*extra"):
        read_images(tmp_path)


@pytest.mark.parametrize("given_columns", [["pitch", "yaw"], ["look_x", "look_y", "look_z"]])
def test_plain_folder_labels_are_completed(tmp_path, given_columns):
    whole = labelled(3).labels[GAZE]
    write_pictures(tmp_path, whole[given_columns].assign(pupil_x=9.0, note=["a", "b", "c"]))
    read = read_images(tmp_path).labels
    assert list(read) == [*GAZE, "pupil_x", "note", "file"]
    pd.testing.assert_frame_equal(read[GAZE], whole, rtol=1e-9)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"pitch": [0, 20, 5], "Yaw": [0, 0, 0]}, "degrees"),
        ({"pitch": ["a", "b", "c"], "yaw": [0, 0, 0]}, "must hold numbers"),
    ],
)
def test_plain_folder_labels_that_cannot_be_meant(tmp_path, columns, message):
    write_pictures(tmp_path, pd.DataFrame(columns))
    with pytest.raises(DataError, match=message):
        read_images(tmp_path)


def test_a_group_with_angles_alone_is_in_our_axes(tmp_path):
    ours = labelled().labels
    write_group(tmp_path / "gaze.h5", some_images())
    ours[["pitch", "yaw"]].to_csv(tmp_path / "gaze.csv", index=False)
    pd.testing.assert_frame_equal(read_images(tmp_path / "gaze.h5").labels, ours[GAZE], rtol=1e-9)


@pytest.mark.parametrize(
    "size", [35, (35,), (35, 55, 1), (0, 55), (35, -1), (35.0, 55.0), "ab", (True, True), None]
)
def test_a_bad_size_is_refused(tmp_path, size):
    Image.new("L", (55, 35)).save(tmp_path / "1.png")
    if size is not None:
        for call in (read_images, partial(load, real=tmp_path)):
            with pytest.raises(DataError, match=r"size must be \(H, W\)"):
                call(tmp_path, size=size)
    with pytest.raises(DataError, match=r"size must be \(H, W\)"):
        make_simulated(tmp_path / "new", 1, 1, 1, size=size)
    assert not (tmp_path / "new").exists()
    assert read_images(tmp_path, size=np.array([7, 11])).images.shape == (1, 7, 11)


def test_plain_folder_of_mixed_sizes_needs_a_size(tmp_path):
    Image.new("L", (55, 35)).save(tmp_path / "1.png")
    Image.new("L", (110, 70)).save(tmp_path / "2.jpg")
    (tmp_path / "l.csv").write_text("file,pupil_x\n1.png,27\n2.jpg,54.5\n")
    with pytest.raises(DataError, match="differ in size"):
        read_images(tmp_path)
    read = read_images(tmp_path, size=(35, 55))
    assert read.images.shape == (2, 35, 55)
    np.testing.assert_allclose(read.labels["pupil_x"], 27)
    (tmp_path / "2.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"2\.jpg cannot be read"):
        read_images(tmp_path)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return make_simulated(tmp_path_factory.mktemp("data") / "simulated", 9, 8, 7, progress=False)


def test_make_simulated_writes_the_reports_files(simulated):
    names = ["synthetic_gaze.h5", "synthetic_gaze.csv", "real_gaze.h5"]
    assert {p.name for p in simulated.iterdir()} == {*names, "webcam_test.h5", "webcam_test.csv"}
    data = load(simulated, progress=False)
    assert [len(data.synthetic), len(data.real), len(data.test)] == [9, 8, 7]
    assert data.real.labels is None
    assert list(data.synthetic.labels) == list(data.test.labels) == list(LABELS)
    seen = [image.tobytes() for image in [*data.real.images, *data.test.images]]
    assert len(set(seen)) == 15, "the test images must not be among the real ones"
    lines = check(simulated)
    assert {repr(data.real), repr(data.synthetic), repr(data.test)} <= set(lines)
    assert not [line for line in lines if line.startswith("PROBLEM")]
    assert "simulated webcam" in repr(data.real)


def test_make_simulated_is_seeded_and_idempotent(simulated, tmp_path):
    again = make_simulated(tmp_path / "again", 9, 8, 7, progress=False)
    other = make_simulated(tmp_path / "other", 9, 8, 7, seed=1, progress=False)
    for name in ("synthetic_gaze.h5", "real_gaze.h5", "webcam_test.h5"):
        first = read_images(simulated / name).images
        np.testing.assert_array_equal(read_images(again / name).images, first)
        assert not np.array_equal(read_images(other / name).images, first)
    (again / "webcam_test.h5").unlink()  # As after a stop: only what is missing is made.
    (again / "webcam_test.csv").unlink()
    before = (again / "real_gaze.h5").stat().st_mtime_ns
    make_simulated(again, 9, 8, 7, progress=False)
    assert len(read_images(again / "webcam_test.h5")) == 7
    assert (again / "real_gaze.h5").stat().st_mtime_ns == before
    with pytest.raises(DataError, match=r"recipe .*'count': 9.*asked for.*'count': 5"):
        make_simulated(again, 5, 8, 7, progress=False)
    (again / "real_gaze.h5").write_bytes(b"damaged")
    make_simulated(again, 5, 8, 7, overwrite=True, progress=False)
    assert len(load(again, progress=False).synthetic) == 5


def test_a_set_of_an_older_simulator_is_noticed(tmp_path, monkeypatch):
    sizes = {"synthetic": 3, "real": 2, "test": 1}
    folder = make_simulated(tmp_path / "simulated", **sizes, progress=False)
    assert len(load("simulated", root=tmp_path, progress=False).synthetic) == 3
    monkeypatch.setattr(simulator, "VERSION", 10**6)
    with pytest.raises(DataError, match=r"another version of the simulator.*--overwrite"):
        load("simulated", root=tmp_path, progress=False)
    assert len(load(folder, progress=False).synthetic) == 3, "by its path it is read as it is"
    with pytest.raises(DataError, match=r"asked for.*'version': 1000000"):
        make_simulated(folder, **sizes, progress=False)
    make_simulated(folder, **sizes, overwrite=True, progress=False)
    assert len(load("simulated", root=tmp_path, progress=False).synthetic) == 3


def test_a_small_simulated_set_is_the_start_of_a_large_one(simulated):
    data = load("simulated", root=simulated.parent, limit=4, progress=False)
    fresh = load("simulated", root=simulated.parent / "fresh", limit=4, progress=False)
    for kind in ("synthetic", "real", "test"):
        images = getattr(fresh, kind).images
        np.testing.assert_array_equal(getattr(data, kind).images, images)
        assert len(images) == 4
    with pytest.raises(DataError, match="holds 4 synthetic images, not 5"):
        load("simulated", root=simulated.parent / "fresh", limit=5, progress=False)


def test_load_other_real_images(simulated, tmp_path):
    write_group(tmp_path / "mine.h5", some_images(20))
    data = load("simulated", tmp_path / "mine.h5", simulated.parent, limit=5, progress=False)
    np.testing.assert_array_equal(data.real.images, some_images(20)[[0, 4, 8, 12, 16]])
    save_images(tmp_path / "large.h5", ImageSet(some_images(3, (36, 60))))
    with pytest.raises(DataError, match=r"differ in size.*size=\(35, 55\)"):
        load(simulated, tmp_path / "large.h5", progress=False)
    data = load(simulated, tmp_path / "large.h5", size=(36, 60), progress=False)
    assert {s.images.shape[1:] for s in (data.synthetic, data.real, data.test)} == {(36, 60)}
    with pytest.raises(DataError, match="real=PATH"):
        load(tmp_path / "mine.h5", progress=False)
    alone = load(tmp_path / "mine.h5", real=tmp_path / "mine.h5", progress=False)
    assert alone.test is None


@pytest.mark.parametrize("name", ["gaze.h5", "synthetic_gaze.h5"])
def test_load_kaggle(tmp_path, name):
    with pytest.raises(DataError, match=r"gaze\.h5(.|\n)*4quant/eye-gaze(.|\n)*/kaggle") as error:
        load("kaggle", root=tmp_path)
    assert str(tmp_path.resolve() / "kaggle") in str(error.value)
    (tmp_path / "kaggle").mkdir()
    write_group(tmp_path / "kaggle" / name, some_images(12), some_looks(12))
    write_group(tmp_path / "kaggle/real_gaze.h5", some_images(15, seed=3))
    data = load("kaggle", root=tmp_path, progress=False)
    assert [len(data.synthetic), len(data.real), data.test] == [12, 15, None]
    assert list(data.synthetic.labels) == GAZE


def test_fetch_kaggle(tmp_path, monkeypatch):
    asked = []

    def download(handle, path):
        asked.append((handle, path))
        if path.endswith("h5"):
            write_group(tmp_path / path, some_images(3))
        else:
            (tmp_path / path).write_text(path)
        return str(tmp_path / path)

    fake = types.SimpleNamespace(dataset_download=download)
    monkeypatch.setitem(sys.modules, "kagglehub", fake)
    folder = fetch_kaggle(tmp_path / "data")
    names = ["gaze.h5", "gaze.csv", "gaze.json", "real_gaze.h5"]
    assert asked == [("4quant/eye-gaze", name) for name in names]
    assert {p.name for p in folder.iterdir()} == {*names}
    assert (folder / "gaze.csv").read_text() == "gaze.csv"
    assert len(read_images(folder / "real_gaze.h5")) == 3
    (folder / "gaze.csv").unlink()
    fetch_kaggle(tmp_path / "data")
    assert asked[4:] == [("4quant/eye-gaze", "gaze.csv")]
    for broken in (None, types.SimpleNamespace(dataset_download=lambda *a, **k: 1 / 0)):
        monkeypatch.setitem(sys.modules, "kagglehub", broken)
        with pytest.raises(DataError, match=r"Fetching gaze\.h5 failed") as error:
            fetch_kaggle(tmp_path / "offline")
        for part in [*names, "kaggle.com/datasets/4quant/eye-gaze", str(tmp_path / "offline")]:
            assert part in str(error.value)


def test_image_set_refuses_what_is_not_images():
    for images in (some_images().astype(float), some_images()[0], some_images()[:0], [[1]]):
        with pytest.raises(DataError, match="expected uint8 images"):
            ImageSet(images)
    with pytest.raises(DataError, match="3 rows of labels for 12 images"):
        ImageSet(some_images(), labelled(3).labels)
    with pytest.raises(DataError, match="differ in size"):
        GazeData(labelled(), ImageSet(some_images(3, (36, 60))))


def test_image_set_keeps_labels_with_their_images():
    made = labelled()
    some = made[[5, 2]]
    np.testing.assert_array_equal(some.images, made.images[[5, 2]])
    assert list(some.labels["pitch"]) == [made.labels["pitch"][5], made.labels["pitch"][2]]
    assert list(some.labels.index) == [0, 1]


def test_check_names_faults_in_images_and_labels(tmp_path):
    made = labelled()
    made.images[1] = 7
    made.images[5] = made.images[4]
    made.labels.loc[2, "pupil_x"] = np.nan
    made.labels.loc[3, "look_x"] += 1
    made.labels.loc[6, "pitch"] += 0.1
    made.labels.loc[8, "look_z"] *= -1
    save_images(tmp_path / "a.h5", made)
    lines = "\n".join(check(tmp_path / "a.h5"))
    assert "1 of 12 images of a single colour, e.g. 1." in lines
    assert "1 of 12 images that repeat another one, e.g. 5." in lines
    assert "1 of 12 images with a label missing (NaN), e.g. 2" in lines
    assert "1 of 12 images with a gaze vector not of length 1, e.g. 3." in lines
    assert "3 of 12 images whose pitch and yaw are not the gaze vector's, e.g. 3." in lines
    assert "1 of 12 images that look away from the camera (look_z > 0), e.g. 8." in lines


def test_scaling_is_exact_on_all_values():
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    scaled = to_float(values)
    assert scaled.dtype == np.float32
    assert scaled.shape == (1, 16, 16, 1)
    assert (scaled.min(), scaled.max()) == (-1, 1)
    np.testing.assert_array_equal(to_uint8(scaled), values)
    np.testing.assert_array_equal(to_uint8(scaled[..., 0]), values)
    assert list(to_uint8(np.array([[[-9.0, 9.0, 0.9999]]])).ravel()) == [0, 255, 255]
    with pytest.raises(DataError, match="uint8"):
        to_float(scaled)
    colour = in_colour(2)
    assert to_float(colour).shape == (2, 35, 55, 3)
    np.testing.assert_array_equal(to_uint8(to_float(colour)), colour)
    for shape in [(16, 16), (1, 16, 16, 2)]:
        with pytest.raises(DataError, match=r"Expected \(n, H, W, 1\)"):
            to_uint8(np.zeros(shape))


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 40), size=st.integers(1, 70), seed=st.integers(0, 9), b=st.integers(0, 30)
)
def test_batches_resume_and_cover_every_epoch(count, size, seed, b):
    whole = list(itertools.islice(batch_indices(count, size, seed), b + 4))
    resumed = list(itertools.islice(batch_indices(count, size, seed, start=b), 4))
    np.testing.assert_array_equal(whole[b:], resumed)
    assert all(batch.shape == (size,) for batch in whole)
    sequence = np.concatenate(whole)
    epochs = sequence[: len(sequence) // count * count].reshape(-1, count)
    np.testing.assert_array_equal(np.sort(epochs), np.tile(np.arange(count), (len(epochs), 1)))


def test_batches_depend_on_seed_and_epoch():
    first, second = itertools.islice(batch_indices(100, 100, seed=0), 2)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, next(batch_indices(100, 100, seed=1)))
    for wrong in ((0, 1), (1, 0), (1, 1, -1), (1, 1, 0, -1)):
        with pytest.raises(DataError):
            batch_indices(*wrong)


def test_shared_real_images():
    path = SHARED / "real_gaze.h5"
    if not path.exists():
        pytest.skip(f"{path} is not here: it may not be shipped with the project")
    read = read_images(path, progress=False)
    assert read.images.shape == (2064, 35, 55)
    assert read.labels is None
    with h5py.File(path) as file:
        np.testing.assert_array_equal(read.images[10], file["image/10"][()])
    data = load(SHARED / "unityeyes_gaze.h5", real=path, limit=64, progress=False)
    assert [len(data.synthetic), len(data.real)] == [64, 64]
