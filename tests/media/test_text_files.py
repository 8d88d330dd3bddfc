"""Tables and lists as office programs, pandas and Windows write them."""

from pathlib import Path

import pytest

from data_pipeline.sources.split import parse_split
from rvm_jax.errors import UserError
from rvm_jax.media.face_alignment import pose_from_box
from rvm_jax.media.face_tracks import read_faces
from rvm_jax.text_files import read_lines, read_table

PLAIN = "frame,face,x,y,width,height\n0,0,1.5,2,30,30\n1,0,2.5,2,30,30\n"
GERMAN = PLAIN.replace(",", ";").replace(".", ",")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode("utf-8-sig"),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.rstrip().encode(),
        GERMAN.encode(),
        ("sep=;\r\n" + GERMAN.replace("\n", "\r\n")).encode("utf-8-sig"),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace(",", ", ").encode(),
        PLAIN.replace(",", " , ").encode(),
        PLAIN.replace(",", "  ").encode(),
        PLAIN.upper().encode(),
        PLAIN.title().encode(),
        (PLAIN + "\n,,,,,\n").encode(),
        ("\n" + PLAIN).encode(),
        PLAIN.replace("\n0,0,", "\n0.0,0.0,").replace("\n1,0,", "\n1.0,0.0,").encode(),
        ('"' + PLAIN.replace(",", '","').replace("\n", '"\n"').rstrip('"')).encode(),
        PLAIN.replace("face", "gesicht").encode(),
        PLAIN.replace("height", "height,größe").replace("30\n", "30,9\n").encode("cp1252"),
        PLAIN.replace("height\n", "height,\n").encode(),
    ],
    ids=range(23),
)
def test_tables_of_faces(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "faces.csv").write_bytes(data)
    tracks = read_faces(tmp_path / "faces.csv")
    assert tracks(0) == {"0": pose_from_box(1.5, 2, 30, 30)}
    assert tracks(1) == {"0": pose_from_box(2.5, 2, 30, 30)}


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    (tmp_path / "faces.csv").write_text("sep=,\n" + PLAIN + "2,0,a,2,30,30\n")
    with pytest.raises(UserError, match=r"faces\.csv: line 5 does not hold the numbers of a face"):
        read_faces(tmp_path / "faces.csv")
    for frame in ("0.5", "nan", "inf", ""):
        (tmp_path / "faces.csv").write_text(f"frame,x,y,width,height\n{frame},1,2,30,30\n")
        with pytest.raises(UserError, match="line 2 does not hold"):
            read_faces(tmp_path / "faces.csv")


def test_names_of_faces_stay(tmp_path: Path) -> None:
    (tmp_path / "faces.csv").write_text("frame,face,x,y,width,height\n0,Anna B,1,2,30,30\n0,7,1,2,40,40\n")
    assert set(read_faces(tmp_path / "faces.csv")(0)) == {"Anna B", "7"}


def test_an_empty_table(tmp_path: Path) -> None:
    for data in (b"", b"\xff\xfe", b"\n\n"):
        (tmp_path / "t.csv").write_bytes(data)
        assert read_table(tmp_path / "t.csv") == ([], [], False)
    with pytest.raises(UserError, match=r"none\.csv: cannot be read \(No such file"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ",\r\n"])
def test_lists_of_a_split(tmp_path: Path, encoding: str, end: str) -> None:
    (tmp_path / "list.txt").write_bytes(end.join(["f0", "hüte\\f1.png", " f2 ", "", '"f, 3"', ""]).encode(encoding))
    assert read_lines(tmp_path / "list.txt") == ["f0", "hüte\\f1.png", "f2", "f, 3"]
    split = parse_split("list.txt", tmp_path, "data.faces.main.split")
    assert getattr(split, "names", None) == ("f0", "hüte/f1.png", "f2", "f, 3")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            "0,1,2,30,30\n1,1,2,30,30\n1,50,2,30,30",
            "line 4 has frame 1 of face '0' once more; tell faces apart by a column",
        ),
        ("0,1,2,-30,30", "line 2 does not hold the numbers of a face"),
        ("0,1,2,30,0", "line 2 does not hold the numbers of a face"),
        ("0,1,2,30,inf", "line 2 does not hold the numbers of a face"),
    ],
)
def test_tables_that_are_wrong_name_the_line(tmp_path: Path, rows: str, said: str) -> None:
    (tmp_path / "faces.csv").write_text(f"frame,x,y,width,height\n{rows}\n")
    with pytest.raises(UserError, match=said):
        read_faces(tmp_path / "faces.csv")
