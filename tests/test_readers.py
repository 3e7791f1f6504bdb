"""Files as users have them: each is read right, or refused with the reason.

The inputs are drawn as the users' own programs would write them.
"""

import json
import os
import re
import subprocess
import sys
import unicodedata
import warnings
import zipfile
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
    unity,
    write_group,
    write_unityeyes,
)
from PIL import Image
from scipy.io import savemat

from simgan_lib.config import UserError
from simgan_lib.data import DataError, ImageSet, check, load, read_images, save_images, usable
from simgan_lib.data.files import atomic

PITCH, YAW = [0.1, -0.2, 0.3], [0.05, 0.15, -0.25]


@pytest.fixture(autouse=True)
def no_warnings():
    """A file that is read without a word must be read right: other warnings are tested by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def pictures(folder, names=("eye0.png", "eye1.png", "eye2.png"), table=None, name="labels.csv"):
    """Pictures whose gray level tells them apart: 10, 20, 30 ... at the top left."""
    for number, file in enumerate(names):
        image = some_images(1, seed=number)[0] // 2
        image[0, 0] = 10 * (number + 1)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / file)
    if table is not None:
        text = table if isinstance(table, bytes) else table.encode()
        (folder / name).write_bytes(text)


def whose(read):
    """Where each picture's row came from: pitch by gray level."""
    return dict(zip(read.images[:, 0, 0].tolist(), read.labels["pitch"], strict=True))


RIGHT = {10: 0.1, 20: -0.2, 30: 0.3}


def problems(path):
    return [line for line in check(path) if line.startswith("PROBLEM")]


# D. Which row belongs to which image.

THREE = ("1.png", "2.png", "3.png")


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (THREE, "id,file,pitch\n1,3.png,0.3\n2,2.png,-0.2\n3,1.png,0.1\n"),
        (THREE, "index,pitch,path\n1,0.3,imgs/3.png\n2,-0.2,imgs/2.png\n3,0.1,imgs/1.png\n"),
        (THREE, "number,image,pitch\n1,3,0.3\n2,2,-0.2\n3,1,0.1\n"),
        (("0001.png", "0002.png", "0003.png"), "file,pitch\n3,0.3\n1,0.1\n2,-0.2\n"),
        (("0001.png", "0002.png", "0003.png"), "id,pitch\n3,0.3\n1,0.1\n2,-0.2\n"),
        (THREE, "file,pitch\n0003,0.3\n0001,0.1\n0002,-0.2\n"),
        (THREE, "file,pitch\nC:\\eyes\\3.png,0.3\nC:\\eyes\\1.png,0.1\nC:\\eyes\\2.png,-0.2\n"),
        (
            ("Eye1.PNG", "eye2.png", "EYE3.png"),
            "file,pitch\neye3.png,0.3\nEYE1.png,0.1\neye2,-0.2\n",
        ),
        (("a.png", "a.bmp", "b.png"), "file,pitch\nb.png,0.3\na.bmp,-0.2\na.png,0.1\n"),
        (
            ("l/1.png", "r/1.png", "r/2.png"),
            "file,pitch\n.\\r\\2.png,0.3\nr/1.png,-0.2\nl/1.png,0.1\n",
        ),
        (("a.png", "A.png", "b.png"), "file,pitch\nb.png,0.3\nA.png,-0.2\na.png,0.1\n"),
        (THREE, "file,pitch\n9.png,9\n3.png,0.3\n1.png,0.1\n2.png,-0.2\n".replace(",9\n", ",1\n")),
    ],
)
def test_each_picture_has_its_own_row(tmp_path, names, table):
    header, *rows = table.splitlines()
    pictures(tmp_path, names, "\n".join([header + ",yaw", *(row + ",0" for row in rows)]))
    assert whose(read_images(tmp_path)) == RIGHT


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_accent_is_an_accent(tmp_path, form):
    names = [unicodedata.normalize(form, f"jürgen{n}.png") for n in (1, 2, 3)]
    table = "file,pitch,yaw\njürgen3.png,0.3,0\njürgen1.png,0.1,0\njürgen2.png,-0.2,0\n"
    pictures(tmp_path, names, unicodedata.normalize("NFC", table))
    assert whose(read_images(tmp_path)) == RIGHT


@pytest.mark.parametrize(
    ("names", "table", "message"),
    [
        (THREE, "file,path,pitch,yaw\n1,3,0,0\n2,2,0,0\n3,1,0,0\n", "'file' and 'path'.*different"),
        (THREE, "id,index,pitch,yaw\n1,3,0,0\n2,2,0,0\n3,1,0,0\n", "'id' and 'index'.*different"),
        (("1.png", "1.bmp"), "file,pitch,yaw\n1,0,0\n", "names some images twice.*'1'"),
        (THREE, "file,pitch,yaw\na,0,0\nb,0,0\nc,0,0\n", r"no row for \['1.png.*rows.*'a', 'b'"),
        (THREE, "pitch,yaw\n0,0\n0,0\n0,0\n", "no column names the image"),
        (("l/1.png", "r/1.png"), "file,pitch,yaw\n1.png,0,0\n", "twice"),
    ],
)
def test_rows_that_could_be_several_images_are_refused(tmp_path, names, table, message):
    pictures(tmp_path, names, table)
    with pytest.raises(DataError, match=message):
        read_images(tmp_path)
    assert problems(tmp_path)


def test_a_group_is_matched_by_the_number_in_the_name(tmp_path):
    look, order = some_looks(12), sorted(range(12), key=str)
    table = pd.DataFrame(look, columns=["x", "y", "z"])
    table["path"] = [f"imgs/{number}.jpg" for number in range(12)]
    table = table.iloc[order].assign(index=range(12))
    write_group(tmp_path / "gaze.h5", some_images())
    table.to_csv(tmp_path / "gaze.csv", index=False)
    read = read_images(tmp_path / "gaze.h5").labels
    pd.testing.assert_frame_equal(read[["pitch", "yaw"]], unity(look)[["pitch", "yaw"]])


def stacked(path, table, count=3):
    with h5py.File(path, "w") as file:
        file["image"] = some_images(count)
    path.with_suffix(".csv").write_text(table)


def test_a_stacked_file_is_matched_too(tmp_path):
    stacked(tmp_path / "a.h5", "image_number,pitch,yaw\n2,0.3,-0.25\n0,0.1,0.05\n1,-0.2,0.15\n")
    assert read_images(tmp_path / "a.h5").labels["pitch"].tolist() == PITCH
    for column in ("file", "image_number", "id"):  # from 1 on, or names: in their order
        stacked(tmp_path / "a.h5", f"{column},pitch,yaw\n1,0.1,0\n2,-0.2,0\n10,0.3,0\n")
        assert read_images(tmp_path / "a.h5").labels["pitch"].tolist() == PITCH
        stacked(tmp_path / "a.h5", f"{column},pitch,yaw\n1,0.1,0\n10,0.3,0\n2,-0.2,0\n")
        with pytest.raises(DataError, match=f"not in the order of column '{column}'"):
            read_images(tmp_path / "a.h5")


# A. Pictures as viewers show them.


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    upright = np.kron(some_images(1, (3, 4))[0], np.ones((8, 8), np.uint8))
    turn = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 1, 7: 3, 8: 3}[orientation]
    mirrored = upright[:, ::-1] if orientation in (2, 4, 5, 7) else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.rot90(mirrored, turn)).save(tmp_path / "1.png", exif=exif)
    np.testing.assert_array_equal(read_images(tmp_path).images[0], upright)


def test_deep_pictures_keep_their_proportions(tmp_path):
    levels = np.linspace(0, 255, 55 * 35).reshape(35, 55).astype(np.uint8)
    Image.fromarray(levels.astype(np.uint16) * 257).save(tmp_path / "a.png")
    Image.fromarray(levels.astype(np.uint16) * 257).save(tmp_path / "b.tif")
    Image.fromarray((levels / 255).astype(np.float32)).save(tmp_path / "c.tif")
    np.testing.assert_array_equal(read_images(tmp_path).images, [levels] * 3)


@pytest.mark.parametrize(
    "values",
    [
        np.full((35, 55), 4095, np.uint16),  # 12 bits in 16: how many are used is not said
        np.full((35, 55), 255, np.uint16),
        np.full((35, 55), 200, np.float32),
        np.full((35, 55), -1, np.float32),
        np.full((35, 55), np.nan, np.float32),
        np.full((35, 55), 70_000, np.int32),
    ],
)
def test_deep_pictures_of_unknown_range_are_refused(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "1.tif")
    with pytest.raises(DataError, match=r"1\.tif.*8 bits"):
        read_images(tmp_path)


def test_what_is_transparent_is_white(tmp_path):
    hidden = np.full((35, 55, 4), 90, np.uint8)
    hidden[:, :20, 3], hidden[:, 20:, 3] = 0, 255
    Image.fromarray(hidden).save(tmp_path / "1.png")
    palette = Image.fromarray(np.tile(np.uint8([0, 1]), (35, 28))[:, :55], "P")
    palette.putpalette([9, 9, 9, 90, 90, 90])
    palette.save(tmp_path / "2.png", transparency=0)
    Image.fromarray(hidden[..., 2:]).save(tmp_path / "3.png")
    read = read_images(tmp_path, gray=True).images
    assert set(read[0, :, :20].ravel()) == {255}
    assert set(read[0, :, 20:].ravel()) == {90}
    assert read[1, 0, :4].tolist() == [255, 90, 255, 90]
    np.testing.assert_array_equal(read[2], read[0])


@pytest.mark.parametrize("name", ["1.tif", "1.gif"])
def test_frames_that_are_left_out_are_counted(tmp_path, name):
    frames = [Image.fromarray(image) for image in some_images(5)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="the first of 5 pictures"):
        assert len(read_images(tmp_path)) == 1
    assert problems(tmp_path)


# C. The table's dialect.

DIALECTS = {
    "semicolon": "file;pitch;yaw\neye2.png;0,3;-0,25\neye0.png;0,1;0,05\neye1.png;-0,2;0,15\n",
    "points": "file;pitch;yaw\neye2.png;0.3;-0.25\neye0.png;0.1;0.05\neye1.png;-0.2;0.15\n",
    "tab": "file\tpitch\tyaw\neye2.png\t0.3\t-0.25\neye0.png\t0.1\t0.05\neye1.png\t-0.2\t0.15\n",
    "bar": "file|pitch|yaw\neye2.png|0.3|-0.25\neye0.png|0.1|0.05\neye1.png|-0.2|0.15\n",
    "quoted": 'file,pitch,yaw\n"eye2.png","0.3","-0.25"\n"eye0.png",0.1,0.05\neye1.png, -0.2, 0.15',
    "sep": "sep=;\r\nfile;pitch;yaw\r\neye2.png;0,3;-0,25\r\neye0.png;0,1;0,05\r\n"
    "eye1.png;-0,2;0,15\r\n",
    "comment": "# pitch: radians\n#\nfile,pitch,yaw\neye2.png,0.3,-0.25\neye0.png,0.1,0.05\n"
    "eye1.png,-0.2,0.15\n",
    "comma at the end": "file,pitch,yaw\neye2.png,0.3,-0.25,\neye0.png,0.1,0.05,\n"
    "eye1.png,-0.2,0.15,\n",
    "index": ",file,pitch,yaw\n0,eye2.png,0.3,-0.25\n1,eye0.png,0.1,0.05\n2,eye1.png,-0.2,0.15\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects_of_tables(tmp_path, dialect, encoding):
    pictures(tmp_path, table=DIALECTS[dialect].encode(encoding))
    read = read_images(tmp_path)
    assert whose(read) == RIGHT
    assert read.labels["yaw"].tolist() == YAW


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,pitch,yaw\neye0.png,0,1,0,05\n", "more values than there are columns"),
        ("file,pitch,yaw\neye0.png,0,0\neye1.png,0,0,1\n", "more values than there are columns"),
        ("file pitch yaw\neye0.png 0.1 0.05\n", "has one column, 'file pitch yaw'"),
        (
            'file,pitch,yaw\neye0.png,"0,1",0\neye1.png,0,0\neye2.png,0,0',
            "numbers like -0.5.*'0,1'",
        ),
        ("file,pitch,yaw\nmüller.png,0,0\n".encode("cp1252"), "It is not UTF-8"),
        (b"", "It is empty"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    ],
)
def test_tables_that_cannot_be_told_are_refused(tmp_path, table, message):
    pictures(tmp_path, table=table)
    with pytest.raises(DataError, match=rf"labels\.csv.*{message}") as error:
        read_images(tmp_path)
    assert len(str(error.value)) < 500


def test_a_table_without_gaze_says_so(tmp_path):
    pictures(tmp_path, table="file,Pitch (rad)\neye0.png,1\neye1.png,2\neye2.png,3\n")
    with pytest.warns(UserWarning, match="no gaze, only file, Pitch .*pitch and yaw"):
        assert read_images(tmp_path).labels["Pitch (rad)"].tolist() == [1, 2, 3]


RECORDS = [
    {"file": f"{n}.jpg", "look_vec": str(tuple(look))}
    for n, look in enumerate(some_looks(3).tolist())
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(RECORDS[::-1]),
        "\n".join(map(json.dumps, RECORDS[::-1])),
        json.dumps({r["file"]: {"look_vec": r["look_vec"]} for r in RECORDS[::-1]}),
        "\ufeff" + json.dumps(RECORDS),
    ],
)
def test_forms_of_json(tmp_path, text):
    write_group(tmp_path / "gaze.h5", some_images(3))
    (tmp_path / "gaze.json").write_text(text, encoding="utf-8")
    read = read_images(tmp_path / "gaze.h5").labels
    pd.testing.assert_frame_equal(read[["pitch", "yaw"]], unity(some_looks(3))[["pitch", "yaw"]])


@pytest.mark.parametrize("orient", ["split", "columns", "values", "list"])
def test_other_json_is_refused(tmp_path, orient):
    write_group(tmp_path / "gaze.h5", some_images(3))
    table = pd.DataFrame(RECORDS)
    text = json.dumps(table.to_dict("list")) if orient == "list" else table.to_json(orient=orient)
    (tmp_path / "gaze.json").write_text(text)
    with pytest.raises(DataError, match=r"gaze\.json.*(a list of records|no row for)"):
        read_images(tmp_path / "gaze.h5")


# B. What lies in the folder.


@pytest.mark.parametrize(
    "names", [("a.png", "more/b.png"), ("x/a.png", "y/b.webp"), ("a.png", "b.WEBP")]
)
def test_pictures_in_subfolders_and_of_all_kinds_are_read(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (55, 35), (9, 9, 9)).save(tmp_path / name, lossless=True)
    read = read_images(tmp_path)
    assert read.images.shape == (2, 35, 55, 3)
    assert (read.images == 9).all()


@pytest.mark.parametrize("name", ["LABELS.CSV", "labels.json", "labels.tsv", "Labels.Json"])
def test_labels_of_any_ending_are_read(tmp_path, name):
    table = pd.DataFrame({"file": ["eye2.png", "eye0.png", "eye1.png"], "pitch": [0.3, 0.1, -0.2]})
    table["yaw"] = 0.0
    text = table.to_csv(index=False, sep="\t" if name.endswith("tsv") else ",")
    if "json" in name.lower():
        text = table.to_json(orient="records")
    pictures(tmp_path, table=text, name=name)
    assert whose(read_images(tmp_path)) == RIGHT


def test_files_that_are_not_read_are_named(tmp_path):
    pictures(tmp_path)
    for name in ("README.txt", "notes.md", "Thumbs.db", ".DS_Store"):
        (tmp_path / name).write_text("x")
    assert len(read_images(tmp_path)) == 3
    (tmp_path / "eye3.heic").write_text("x")
    (tmp_path / "labels.xlsx").write_text("x")
    with pytest.warns(UserWarning, match=r"2 files were not read: eye3\.heic, labels\.xlsx"):
        assert len(read_images(tmp_path)) == 3
    assert len(problems(tmp_path)) == 1
    (tmp_path / "more.csv").write_text("file,pitch\n")
    (tmp_path / "labels.csv").write_text("file,pitch\n")
    with pytest.raises(DataError, match="holds 2 tables"):
        read_images(tmp_path)


@pytest.mark.parametrize("name", ["{}.png", "{}.JPG", "img_{}.jpg", "imgs/a.{}.jpeg"])
def test_unityeyes_pairs_of_any_name(tmp_path, name):
    (tmp_path / "imgs").mkdir()
    write_unityeyes(tmp_path, 0, (0, 0, -1), (265, 300))
    expected = read_images(tmp_path)
    for number, look in ((2, (0, 0.6, -0.8)), (10, (0.6, 0, -0.8))):
        write_unityeyes(tmp_path, number, look, (265, 300))
        target = tmp_path / name.format(number)
        with Image.open(tmp_path / f"{number}.jpg") as image:
            image.load()
        (tmp_path / f"{number}.jpg").unlink()
        image.save(target, quality=95)
        (tmp_path / f"{number}.json").rename(target.with_suffix(".json"))
    (tmp_path / "0.jpg").unlink()
    (tmp_path / "0.json").unlink()
    read = read_images(tmp_path)
    np.testing.assert_allclose(read.labels["look_y"], [-0.6, 0], atol=1e-3)
    np.testing.assert_allclose(read.labels["look_x"], [0, 0.6], atol=1e-3)
    assert read.images.shape == (2, 35, 55, 3)
    assert np.abs(read.images - expected.images.astype(int)).max() < 40, "it is another crop"
    pictures(tmp_path, ["extra.png"])
    with pytest.warns(UserWarning, match=r"1 files were not read: extra\.png"):
        assert len(read_images(tmp_path)) == 2


# E. The simulator's numbers.


def rewrite(path, change):
    path.write_text(change(path.read_text()), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(", ", "|").replace(".", ",").replace("|", ", "),
        lambda text: re.sub(r"(\d), ", r"\1 ", text),
        lambda text: "\ufeff" + text,
    ],
    ids=["decimal commas", "spaces", "mark"],
)
def test_unityeyes_numbers_of_other_countries(tmp_path, change):
    write_unityeyes(tmp_path, 1, (0.1, 0.2, -0.9747), (265, 300))
    expected = read_images(tmp_path)
    rewrite(tmp_path / "1.json", change)
    read = read_images(tmp_path)
    np.testing.assert_array_equal(read.images, expected.images)
    columns = ["pitch", "yaw", "pupil_x", "pupil_y"]
    pd.testing.assert_frame_equal(read.labels[columns], expected.labels[columns])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("0.1000, 0.2000, ", ""), "expected .x, y, z."),
        (lambda text: text.replace("0.1000, 0.2000", "x, y"), "expected .x, y, z."),
        (lambda text: text.replace("0.1000, 0.2000", "0.9000, 0.2000"), "not of length 1"),
        (lambda text: text.replace("0.1000, 0.2000, -0.9747", "0, 0, 0"), "not of length 1"),
    ],
)
def test_unityeyes_numbers_that_cannot_be_meant(tmp_path, change, message):
    write_unityeyes(tmp_path, 1, (0.1, 0.2, -0.9747), (265, 300))
    rewrite(tmp_path / "1.json", change)
    with pytest.raises(DataError, match=message):
        read_images(tmp_path)


def test_unityeyes_pictures_that_were_resized_are_refused(tmp_path):
    write_unityeyes(tmp_path, 1, (0.1, 0.2, -0.9747), (265, 300))
    with Image.open(tmp_path / "1.jpg") as image:
        image.resize((320, 240)).save(tmp_path / "1.jpg")
    with pytest.raises(DataError, match=r"do not fit 1\.jpg, which is \(320, 240\)"):
        read_images(tmp_path)


# F. Layouts.


def write_day(path, size=(36, 60), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    look = some_looks(2, seed)
    eye = {"image": some_images(2, size, seed), "gaze": look, "pose": np.zeros((2, 3))}
    savemat(path, {"data": {"left": eye, "right": eye}, "filenames": ["a", "b"]})
    return look


def test_only_days_make_mpiigaze(tmp_path):
    look = write_day(tmp_path / "Data/Normalized/p00/day01.mat")
    calibration = tmp_path / "Data/Original/p00/Calibration"
    calibration.mkdir(parents=True)
    savemat(calibration / "Camera.mat", {"cameraMatrix": np.eye(3)})
    savemat(tmp_path / "6 points-based face model.mat", {"model": np.eye(3)})
    pictures(tmp_path / "Data/Original/p00/day01", ["0001.jpg"])
    (tmp_path / "Data/Normalized/p00/._day01.mat").write_bytes(b"\0\5\26\7")
    day = tmp_path / "Data/Normalized/p00/day01.mat"
    for path in (tmp_path, tmp_path / "Data", tmp_path / "Data/Normalized", day):
        read = read_images(path)
        np.testing.assert_array_equal(read.images, np.tile(some_images(2, (36, 60)), (2, 1, 1)))
        np.testing.assert_allclose(read.labels["pitch"], np.tile(np.arcsin(-look[:, 1]), 2))
    pictures(tmp_path / "photos")
    savemat(tmp_path / "photos/calib.mat", {"cameraMatrix": np.eye(3)})
    with pytest.warns(UserWarning, match=r"1 files were not read: calib\.mat"):
        assert read_images(tmp_path / "photos").images.shape == (3, 35, 55)


def test_two_sizes_of_mpiigaze_need_a_size(tmp_path):
    write_day(tmp_path / "p00/day01.mat")
    write_day(tmp_path / "p00/day02.mat", (35, 55), seed=1)
    with pytest.raises(DataError, match="differ in size"):
        read_images(tmp_path)
    assert read_images(tmp_path, size=(35, 55)).images.shape == (8, 35, 55)


def test_a_mat_file_of_version_73_is_named(tmp_path):
    with h5py.File(tmp_path / "day01.mat", "w", userblock_size=512) as file:
        file["data"] = np.zeros(3)
    with open(tmp_path / "day01.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    with pytest.raises(DataError, match=r"MATLAB 7\.3 file: save it again"):
        read_images(tmp_path)


def test_companions_of_other_systems_are_passed_over(tmp_path):
    pictures(tmp_path, table="file,pitch,yaw\neye2.png,0.3,0\neye0.png,0.1,0\neye1.png,-0.2,0\n")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX/eye0.png").write_bytes(b"x")
    for name in ("._eye0.png", "._labels.csv", ".hidden.json"):
        (tmp_path / name).write_bytes(b"\0\5\26\7")
    assert whose(read_images(tmp_path)) == RIGHT
    save_images(tmp_path / "set.h5", labelled())
    (tmp_path / "._set.h5").write_bytes(b"\0\5\26\7")
    assert not problems(tmp_path)


def test_groups_of_two_sizes_can_be_resized(tmp_path):
    write_group(tmp_path / "gaze.h5", [*some_images(2), *some_images(1, (70, 110))])
    with pytest.raises(DataError, match="differ in size"):
        read_images(tmp_path / "gaze.h5")
    assert read_images(tmp_path / "gaze.h5", size=(35, 55)).images.shape == (3, 35, 55)


# H. Axes of HDF5 files.


@pytest.mark.parametrize("colour", [False, True])
def test_axes_that_matlab_reversed_are_turned_back(tmp_path, colour):
    images = in_colour(4) if colour else some_images(4)
    look = some_looks(4)
    with h5py.File(tmp_path / "stacked.h5", "w") as file:
        file["image"] = np.moveaxis(images, 0, -1).T
        file["image"].attrs["MATLAB_class"] = np.bytes_("uint8")
    with h5py.File(tmp_path / "group.h5", "w") as file:
        for number, image in enumerate(images):
            file[f"image/{number}"] = image.T
            file[f"image/{number}"].attrs["MATLAB_class"] = np.bytes_("uint8")
        file["look_vec"] = look.T
        file["look_vec"].attrs["MATLAB_class"] = np.bytes_("double")
    np.testing.assert_array_equal(read_images(tmp_path / "stacked.h5").images, images)
    read = read_images(tmp_path / "group.h5")
    np.testing.assert_array_equal(read.images, images)
    pd.testing.assert_frame_equal(read.labels, unity(look))


def test_images_that_are_higher_than_wide_are_mentioned(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = some_images(3, (55, 35))
    with pytest.warns(UserWarning, match=r"higher \(55\) than wide \(35\)"):
        read_images(tmp_path / "a.h5")
    save_images(tmp_path / "b.h5", ImageSet(some_images(3, (55, 35))))
    assert read_images(tmp_path / "b.h5").images.shape == (3, 55, 35)


# G. What is wrong with a file that cannot be read.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\3\4....", "zip archive"),
        (b"\x1f\x8b....", "gzip"),
        (b"\x93NUMPY....", "HDF5"),
        (b"\x89PNG....", "It is a picture"),
        (b"\xff\xd8\xff\xe0...", "It is a picture"),
        (b"\n<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"", "It is empty"),
        (b"\x89HDF\r\n\x1a\n...", "damaged, cut short"),
    ],
)
@pytest.mark.parametrize("name", ["a.h5", "a.data"])
def test_files_that_are_no_hdf5(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name} cannot be read.*{message}"):
        read_images(tmp_path / name)


def test_a_file_that_is_open_for_writing(tmp_path):
    save_images(tmp_path / "a.h5", labelled())
    program = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print(1, flush=True); input()"
    command = [sys.executable, "-c", program, tmp_path / "a.h5"]
    with subprocess.Popen(command, stdin=-1, stdout=-1) as writer:
        writer.stdout.readline()
        with pytest.raises(DataError, match="Another program has it open"):
            read_images(tmp_path / "a.h5")
        writer.stdin.close()
    assert len(read_images(tmp_path / "a.h5")) == 12
    with h5py.File(tmp_path / "b.h5", "w", libver="latest") as file:
        file["image"] = some_images()
        file.swmr_mode = True
        (tmp_path / "c.h5").write_bytes((tmp_path / "b.h5").read_bytes())  # as after a kill
    with pytest.raises(DataError, match="h5clear"):
        read_images(tmp_path / "c.h5")


def test_one_picture_is_no_folder(tmp_path):
    pictures(tmp_path)
    with pytest.raises(DataError, match="one picture: give the folder"):
        read_images(tmp_path / "eye0.png")


# K. Labels that are missing, and what load looks at.


def a_set(folder, labels):
    folder.mkdir()
    made = labelled(12)
    made.labels = made.labels.assign(**labels)
    save_images(folder / "synthetic_gaze.h5", made)
    save_images(folder / "real_gaze.h5", ImageSet(some_images(12, seed=4), None, "photographs"))
    return made


def test_images_without_a_label_are_left_out_and_counted(tmp_path):
    missing = np.where(np.arange(12) == 5, np.nan, labelled().labels["pitch"])
    a_set(tmp_path / "a", {"pitch": missing})
    with pytest.warns(UserWarning, match=r"1 of 12 images with a label missing \(NaN\), e.g. 5"):
        data = load(tmp_path / "a", progress=False)
    np.testing.assert_array_equal(data.synthetic.images, np.delete(some_images(), 5, axis=0))
    assert data.synthetic.labels.notna().all(axis=None)
    a_set(tmp_path / "b", {"pitch": np.nan})
    with pytest.raises(DataError, match="12 of 12 images with a label missing"):
        load(tmp_path / "b", progress=False)


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("look_x", 3.0, "not of length 1"),
        ("pitch", 20.0, "not in radians"),
        ("pupil_x", 99.0, "pupil lies outside"),
        ("look_z", 0.9, "look away"),
    ],
)
def test_load_looks_at_labels(tmp_path, column, value, fault):
    warnings.simplefilter("always")
    one = np.where(np.arange(12) == 5, value, labelled().labels[column])
    a_set(tmp_path / "a", {column: one})
    with pytest.warns(UserWarning, match=rf"1 of 12 images .*{fault}.*e\.g\. 5"):
        load(tmp_path / "a", progress=False)
    a_set(tmp_path / "b", {column: value})
    with pytest.raises(DataError, match=r"12 of 12 images .*cannot be meant"):
        load(tmp_path / "b", progress=False)


@pytest.mark.parametrize("level", [0, 255])
def test_load_looks_at_images(tmp_path, level):
    images = some_images()
    images[5] = level
    with pytest.warns(UserWarning, match="1 of 12 images of a single colour, e.g. 5"):
        assert len(usable(ImageSet(images))) == 12
    images[:] = level
    with pytest.raises(DataError, match="12 of 12 images of a single colour"):
        usable(ImageSet(images))


# L. Memory, and places to write to.


def test_photographs_are_held_one_at_a_time(tmp_path):
    resource = pytest.importorskip("resource")
    Image.new("L", (2000, 1500), 120).save(tmp_path / "0.png")
    for number in range(1, 30):
        os.link(tmp_path / "0.png", tmp_path / f"{number}.png")
    read_images(tmp_path, size=(35, 55), progress=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = read_images(tmp_path, size=(35, 55), progress=False)
    assert read.images.shape == (30, 35, 55)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20 * (1 if sys.platform == "darwin" else 1 / 1024) * 2**20


def test_nothing_is_kept_outside_of_the_users_folders(tmp_path, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    path = tmp_path / "set [1].h5"
    write_group(path, some_images(), some_looks())
    state = path.stat()
    read_images(path)
    with h5py.File(path, "a") as file:
        file["image/3"][0, 0] ^= 1
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert read_images(path).images[3, 0, 0] == some_images()[3, 0, 0] ^ 1
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_full_disk_is_one_message(tmp_path):
    (tmp_path / "a.txt").write_text("whole")

    def write():
        with atomic(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"No space left .*a\.txt .*Make room"):
        write()
    assert (tmp_path / "a.txt").read_text() == "whole"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_zip_from_kaggle_is_unpacked(tmp_path, monkeypatch):
    from simgan_lib.data import datasets

    write_group(tmp_path / "whole.h5", some_images(3))

    def download(handle, path):
        target = tmp_path / "sent" / path
        target.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(target, "w") as archive:
            archive.write(tmp_path / "whole.h5", path)
        return str(target)

    monkeypatch.setitem(sys.modules, "kagglehub", type("Fake", (), {"dataset_download": download}))
    folder = datasets.fetch_kaggle(tmp_path / "data")
    assert len(read_images(folder / "real_gaze.h5")) == 3
    Path(folder / "gaze.h5").write_bytes(b"<html>")
    with pytest.raises(DataError, match="web page"):
        datasets.fetch_kaggle(tmp_path / "data")
