"""IDX, CIFAR-10 and `.npz` files: what is in them is read, and what is wrong with them is said."""

from __future__ import annotations

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("PIL")

import torch

from archdsl.train.parts.data import Data, DataError
from archdsl.train.parts.datasets import load
from archdsl.train.parts.idx import idx_tensor
from archdsl.train.parts.npz import npz_arrays
from oracles.data_files import cifar_bytes, idx_bytes, pixels, write_cifar, write_idx

torch.set_num_threads(1)

LABELS = np.array([0, 2, 1, 2, 0, 1])


def refused(path: Path, **options: object) -> str:
    """The message of a data set that is broken."""
    with pytest.raises(DataError) as caught:
        load(str(path), **options)
    assert not caught.value.missing
    return caught.value.message


def classes_of(data: Data) -> tuple[list[int], list[int]]:
    return data.train.targets.tolist(), data.test.targets.tolist()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_idx_files_are_read_as_they_were_written(tmp_path, packed):
    images, others = pixels(6, 5, 7), pixels(3, 5, 7, seed=1)
    write_idx(tmp_path, "train", images, LABELS, packed)
    write_idx(tmp_path, "t10k", others, LABELS[:3], packed)

    data = load(str(tmp_path))

    assert (data.train.images.numpy() == images[:, None]).all()
    assert (data.test.images.numpy() == others[:, None]).all()
    assert classes_of(data) == ([0, 2, 1, 2, 0, 1], [0, 2, 1])
    assert (data.kind, data.classes, data.labels, data.notes) == ("classes", 3, ("0", "1", "2"), ())
    assert data.mean == pytest.approx([(images / 255).mean()])
    assert data.std == pytest.approx([(images / 255).std()])


@pytest.mark.parametrize("name", ["train-images.idx3-ubyte", "emnist-letters-train-images-idx3-ubyte"])
def test_other_spellings_of_the_names_are_known(tmp_path, name):
    write_idx(tmp_path, "train", pixels(10, 4, 4), LABELS.repeat(2)[:10])
    (tmp_path / "train-images-idx3-ubyte").rename(tmp_path / name)
    (tmp_path / "train-labels-idx1-ubyte").rename(tmp_path / name.replace("images", "labels").replace("3", "1"))

    assert len(load(str(tmp_path)).train) + len(load(str(tmp_path)).test) == 10


GOOD = idx_bytes(pixels(6, 4, 4))
# fmt: off
BROKEN_IDX = [
    # name                      images                                                labels                              what the message says
    ("nothing",                 b"",                                                  None,                               "no IDX file: it starts with nothing; expected 2051"),
    ("text",                    b"<html>",                                            None,                               "it starts with 3c 68 74 6d; expected 2051"),
    ("a cut header",            GOOD[:9],                                             None,                               "ends within its header, after 9 bytes"),
    ("a cut file",              GOOD[:-1],                                            None,                               "is truncated: 95 bytes follow where its header says 6 × 4 × 4 = 96"),
    ("a file that goes on",     GOOD + b"\0",                                         None,                               "goes on: more bytes follow where its header says 6 × 4 × 4 = 96"),
    ("swapped files",           idx_bytes(LABELS.astype(np.uint8)),                   None,                               "its magic number is 2049, uint8 in 1 dimensions; expected 2051"),
    ("another type",            idx_bytes(np.zeros((6, 4, 4), ">i4"), 0x0C),          None,                               "its magic number is 3075, int32 in 3 dimensions"),
    ("no image",                idx_bytes(pixels(0, 4, 4)),                           None,                               "says 0 × 4 × 4, which is nothing"),
    ("a header that boasts",    struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3),     None,                               "is truncated: 0 bytes follow where its header says 4294967295 ×"),
    ("too few labels",          GOOD,                                                 idx_bytes(LABELS[:5].astype("u1")), "5 labels for the 6 images of"),
    ("cut gzip",                gzip.compress(GOOD)[:-9],                             None,                               "its gzip stream is broken or ends early"),
    ("broken gzip",             gzip.compress(GOOD)[:30] + bytes(80),                 None,                               "its gzip stream is broken or ends early"),
]
# fmt: on


@pytest.mark.parametrize(
    ("images", "labels", "said"), [row[1:] for row in BROKEN_IDX], ids=[row[0] for row in BROKEN_IDX]
)
def test_a_broken_idx_file_is_named_with_what_was_expected_and_found(tmp_path, images, labels, said):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(images)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels or idx_bytes(LABELS.astype(np.uint8)))

    message = refused(tmp_path)

    assert said in message
    assert ("train-labels" if labels else "train-images") in message
    assert "\nhelp: " in message


@given(cut=st.integers(0, len(GOOD) - 1))
def test_no_cut_idx_file_passes(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "file"
    path.write_bytes(GOOD[:cut])

    with pytest.raises(DataError, match="file"):
        idx_tensor(path, 3)


def test_a_test_label_that_no_training_image_shows_is_out_of_range(tmp_path):
    write_idx(tmp_path, "train", pixels(6, 4, 4), LABELS)
    write_idx(tmp_path, "t10k", pixels(3, 4, 4), np.array([0, 7, 1]))

    message = refused(tmp_path)

    assert "t10k-labels-idx1-ubyte: image 1 has class 7, which is out of range: the classes are 0 to 2" in message


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        ("t10k-labels-idx1-ubyte", "no labels of the test part"),
        ("train-images-idx3-ubyte", "no images of the train part"),
    ],
)
def test_an_idx_file_that_is_missing_is_named(tmp_path, absent, said):
    write_idx(tmp_path, "train", pixels(6, 4, 4), LABELS)
    write_idx(tmp_path, "t10k", pixels(6, 4, 4), LABELS)
    (tmp_path / absent).unlink()

    message = refused(tmp_path)

    assert said in message
    assert f"add `{absent}`" in message


def test_idx_parts_whose_images_differ_in_size_are_refused(tmp_path):
    write_idx(tmp_path, "train", pixels(6, 4, 4), LABELS)
    write_idx(tmp_path, "t10k", pixels(6, 4, 5), LABELS)

    assert "differ in size: 4×4 and 4×5" in refused(tmp_path)


def test_cifar_batches_are_read_in_order(tmp_path):
    images, labels = write_cifar(tmp_path)

    data = load(str(tmp_path))

    assert (data.train.images.numpy() == images).all()
    assert classes_of(data) == (labels, [0, 9])
    assert (data.classes, data.labels[3], data.channels, data.several) == (10, "cat", 3, False)
    assert data.mean == pytest.approx((images / 255).mean((0, 2, 3)))
    assert data.std == pytest.approx((images / 255).std((0, 2, 3)))


# fmt: off
BROKEN_CIFAR = [
    # name                   file                 bytes                                               what the message says
    ("a cut batch",          "data_batch_2.bin",  cifar_bytes(pixels(3, 3, 32, 32), [0, 1, 2])[:-1],  "9,218 bytes are no whole number of records of 3,073 bytes; a batch of 10,000 images has 30,730,000"),
    ("one record less",      "data_batch_5.bin",  cifar_bytes(pixels(2, 3, 32, 32), [0, 1]),          "is truncated: 2 records where another batch has 3"),
    ("an empty batch",       "test_batch.bin",    b"",                                                "0 bytes are no whole number of records"),
    ("an eleventh class",    "test_batch.bin",    cifar_bytes(pixels(2, 3, 32, 32), [0, 10]),         "image 1 has class 10, which is out of range: the classes are 0 to 9"),
    ("a missing batch",      "data_batch_3.bin",  None,                                               "data_batch_3.bin missing"),
]
# fmt: on


@pytest.mark.parametrize(
    ("file", "held", "said"), [row[1:] for row in BROKEN_CIFAR], ids=[row[0] for row in BROKEN_CIFAR]
)
def test_a_broken_batch_is_named(tmp_path, file, held, said):
    write_cifar(tmp_path)
    if held is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(held)

    message = refused(tmp_path)

    assert said in message
    assert file in message


def test_cifars_pickles_are_not_read(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04.")

    assert "pickles, and none is read\nhelp: take the binary version" in refused(tmp_path)


DTYPES = ["?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8"]
DTYPES += [dtype.replace("<", ">") for dtype in DTYPES if "<" in dtype]


@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_are_read_as_numpy_wrote_them(tmp_path, dtype, write, fortran):
    array = (np.arange(24).reshape(2, 3, 4) * 5).astype(dtype)
    write(tmp_path / "a.npz", x=np.asfortranarray(array) if fortran else array)

    read = npz_arrays(tmp_path / "a.npz", ("x",))["x"]

    native = np.dtype(dtype).newbyteorder("=")
    assert read.numpy().dtype == native
    assert (read.numpy() == array.astype(native)).all()


SIX = pixels(6, 5, 7)
SIX[0, 0, :2] = 0, 255
COLOUR = pixels(6, 3, 8, 8)
# fmt: off
ARRAYS = [
    # name                   x                                  y                               images       kind        classes  several
    ("grey",                 SIX,                               LABELS,                         (1, 5, 7),   "classes",  3,       False),
    ("a column of classes",  SIX,                               LABELS[:, None].astype("u8"),   (1, 5, 7),   "classes",  3,       False),
    ("channels first",       COLOUR,                            LABELS.astype("f4"),            (3, 8, 8),   "classes",  3,       False),
    ("channels last",        COLOUR.transpose(0, 2, 3, 1),      LABELS.astype("u1"),            (3, 8, 8),   "classes",  3,       False),
    ("fractions",            COLOUR / 255,                      LABELS,                         (3, 8, 8),   "classes",  3,       False),
    ("wide numbers",         COLOUR.astype("i8"),               LABELS,                         (3, 8, 8),   "classes",  3,       False),
    ("one-hot",              SIX,                               np.eye(3)[LABELS],              (1, 5, 7),   "classes",  3,       False),
    ("several labels",       SIX,                               np.eye(4)[LABELS] + np.eye(4)[3],  (1, 5, 7),   "classes",  4,       True),
    ("masks",                SIX,                               SIX % 3,                        (1, 5, 7),   "mask",     3,       False),
    ("masks of two values",  SIX,                               SIX // 128 * 255,               (1, 5, 7),   "mask",     2,       False),
    ("masks with ignored",   SIX,                               np.where(SIX > 200, 255, SIX % 4),  (1, 5, 7),   "mask",     4,       False),
]
# fmt: on


@pytest.mark.parametrize(
    ("x", "y", "shape", "kind", "classes", "several"), [r[1:] for r in ARRAYS], ids=[r[0] for r in ARRAYS]
)
def test_arrays_become_images_and_targets(tmp_path, x, y, shape, kind, classes, several):
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x, y_test=y)

    data = load(str(tmp_path / "a.npz"))

    pixel = SIX[:, None] if shape == (1, 5, 7) else COLOUR
    assert data.train.images.dtype == torch.uint8
    assert (data.train.images.numpy() == pixel).all()
    assert (data.kind, data.classes, data.several) == (kind, classes, several)
    if kind == "mask":
        assert data.train.targets.dtype == torch.uint8
        assert (data.train.targets.numpy() == (SIX >= 128 if classes == 2 else y)).all()
    elif several:
        assert (data.train.targets.numpy() == y).all()
    else:
        assert data.train.targets.tolist() == LABELS.tolist()


def test_one_archive_gives_a_fifth_of_each_class_to_the_test(tmp_path):
    y = np.array([0] * 10 + [1] * 20 + [2] * 5)
    np.savez(tmp_path / "a.npz", x=pixels(35, 4, 4), y=y)

    data = load(str(tmp_path / "a.npz"), seed=3)

    assert np.bincount(data.test.targets).tolist() == [2, 4, 1]
    assert np.bincount(data.train.targets).tolist() == [8, 16, 4]
    assert data.notes == ("there is no test part: one image in 5 is held back, drawn with seed 3",)
    whole = {image.numpy().tobytes() for split in (data.train, data.test) for image in split.images}
    assert whole == {image.tobytes() for image in pixels(35, 4, 4)}


# fmt: off
BROKEN_ARRAYS = [
    # name                     arrays                                                        what the message says
    ("no y",                   {"x": SIX},                                                  "no array `y`; found x"),
    ("no test part",           {"x_train": SIX, "y_train": LABELS},                            "no array `x_test`, `y_test`; found x_train, y_train"),
    ("other names",            {"images": SIX},                                             "no array `x`, `y`; found none of the names"),
    ("objects",                {"x": SIX, "y": np.array([{}] * 6)},                            "array `y`: holds Python objects (|O), which only a pickle can store, and no pickle is read"),
    ("text",                   {"x": SIX, "y": np.array(["a"] * 6)},                           "array `y`: its dtype is <U1; expected one of b1, u1"),
    ("complex",                {"x": SIX, "y": LABELS * 1j},                                   "its dtype is <c16"),
    ("a number",               {"x": SIX, "y": np.int64(3)},                                   "array `y`: shape () for 6 images"),
    ("too few classes",        {"x": SIX, "y": LABELS[:5]},                                    "array `y`: shape (5,) for 6 images"),
    ("negative classes",       {"x": SIX, "y": LABELS - 1},                                    "array `y`: numbers from -1 to 1; expected whole ones from 0"),
    ("broken classes",         {"x": SIX, "y": LABELS / 2},                                    "array `y`: numbers from 0 to 1; expected whole ones"),
    ("not a number",           {"x": SIX, "y": LABELS * np.nan},                               "array `y`: numbers from nan to nan"),
    ("infinite",               {"x": SIX, "y": LABELS + np.inf},                               "array `y`: numbers from inf to inf"),
    ("times for classes",      {"x": SIX, "y": LABELS + 10**12},                               "array `y`: numbers from 1e+12 to 1e+12; expected whole ones from 0 to 1,048,576"),
    ("a vector",               {"x": SIX[0, 0], "y": LABELS},                                  "array `x`: shape (7,); expected N×H×W"),
    ("five channels",          {"x": pixels(6, 5, 8, 8), "y": LABELS},                         "neither the second nor the last size could be the channels"),
    ("channels on both sides", {"x": pixels(6, 3, 8, 3), "y": LABELS},                         "both the second and the last size could be the channels"),
    ("dark negatives",         {"x": SIX / 128 - 1, "y": LABELS},                              "array `x`: pixels from -1 to 0.99"),
    ("sixteen bits",           {"x": SIX.astype("u2") * 257, "y": LABELS},                     "array `x`: pixels from 0 to 65535; expected uint8"),
    ("masks of another size",  {"x": SIX, "y": SIX.transpose(0, 2, 1)},                        "array `y`: shape (6, 7, 5) with values to 255 for images of (6, 1, 5, 7)"),
    ("an unknown test class",  {"x_train": SIX, "y_train": LABELS, "x_test": SIX, "y_test": LABELS * 2}, "array `y_test`: target 1 has class 4, which is out of range (so do 1 more): the classes are 0 to 2"),
    ("parts of other sizes",   {"x_train": SIX, "y_train": LABELS, "x_test": SIX[:, 1:], "y_test": LABELS}, "training and test differ: 1 5 7 and torch.int64; 1 4 7 and torch.int64"),
    ("no images",              {"x": SIX[:0], "y": LABELS[:0]},                                "array `x`: shape (0, 1, 5, 7); expected"),
]
# fmt: on


@pytest.mark.parametrize(("arrays", "said"), [row[1:] for row in BROKEN_ARRAYS], ids=[row[0] for row in BROKEN_ARRAYS])
def test_arrays_that_are_no_data_set_are_named(tmp_path, arrays, said):
    np.savez(tmp_path / "a.npz", **arrays)

    message = refused(tmp_path / "a.npz")

    assert said in message
    assert "a.npz" in message


def npy(descr: str = "'|u1'", shape: str = "(6,)", body: bytes = bytes(6), magic: bytes = b"\x93NUMPY\x01\0") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return magic + len(header).to_bytes(2, "little") + header + body


# fmt: off
BROKEN_NPY = [
    # name                    bytes of y.npy                                what the message says
    ("nothing",               b"",                                          "no array: it starts with nothing"),
    ("another format",        b"GIF89a..",                                  "no array: it starts with 47 49"),
    ("a cut body",            npy(body=bytes(5)),                           "is truncated: 5 bytes where its header says (6,) of |u1 = 6"),
    ("a body that goes on",   npy(body=bytes(7)),                           "goes on: more bytes"),
    ("a boast",               npy(shape="(10**9,)"),                        "its header is no plain dtype, order and shape"),
    ("a large boast",         npy(shape="(10000000000000,)"),               "is truncated: 6 bytes where its header says (10000000000000,)"),
    ("a call",                npy(descr="__import__('os').system('true')"), "its header is no plain dtype"),
    ("a negative size",       npy(shape="(-1,)"),                           "its header is no plain dtype"),
    ("a list of fields",      npy(descr="[('a', '|u1')]"),                  "its header is no plain dtype"),
    ("deep brackets",         npy(shape="(" * 5000),                        "its header is no plain dtype"),
    ("many signs",            npy(shape="-" * 9000 + "1"),                  "its header is no plain dtype"),
    ("a long header",         npy()[:8] + b"\xff\xff" + bytes(70_000),      "its header says it is 65,535 bytes long"),
    ("a cut header",          npy()[:20],                                   "its header is no plain dtype"),
]
# fmt: on


@pytest.mark.parametrize(("held", "said"), [row[1:] for row in BROKEN_NPY], ids=[row[0] for row in BROKEN_NPY])
def test_a_broken_array_is_named_and_never_run(tmp_path, held, said):
    np.savez(tmp_path / "a.npz", x=SIX)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("y.npy", held)

    message = refused(tmp_path / "a.npz")

    assert said in message
    assert "a.npz, array `y`" in message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_refused_or_without_effect_on_the_form(tmp_path, data):
    """Whatever bytes change, a reader ends with a data set or with a sentence, never with a traceback."""
    if not (tmp_path / "good.npz").exists():
        np.savez_compressed(tmp_path / "good.npz", x=SIX, y=LABELS)
    good = (tmp_path / "good.npz").read_bytes()
    held = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        held[data.draw(st.integers(0, len(held) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.npz").write_bytes(held[: data.draw(st.integers(0, len(held)))] if data.draw(st.booleans()) else held)

    assert outcome(tmp_path / "a.npz") in {"torch.uint8", "a.npz"}


def outcome(path: Path) -> str:
    """The type of the images that are read, or the file that is named because they are not."""
    try:
        return str(load(str(path)).train.images.dtype)
    except DataError as error:
        return path.name if path.name in error.message else error.message


@pytest.mark.parametrize("name", ["weights.pt", "train.pkl", "batch.pickle"])
def test_a_pickle_is_refused_by_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04.")

    assert "looks like a pickle, which runs code when it is read, so none is" in refused(tmp_path / name)


def test_classes_that_no_training_mask_shows_are_noted(tmp_path):
    path = tmp_path / "masks.npz"
    np.savez(path, x=SIX, y=SIX // 128 * 3)

    assert "2 of 4 classes have no pixel in the training masks, `1` first" in load(str(path)).notes
