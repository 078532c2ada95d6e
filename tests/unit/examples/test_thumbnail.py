"""The example does what its docstring says, with real pictures."""

import importlib.util
import io
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

FOLDER = Path(__file__).parents[3] / "examples" / "thumbnail"


@pytest.fixture(scope="module")
def app() -> ModuleType:
    spec = importlib.util.spec_from_file_location("thumbnail_app", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def picture(width: int, height: int, form: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, form, **options)
    return buffer.getvalue()


def test_the_answer_is_a_jpeg_of_the_size_it_names(app: ModuleType) -> None:
    small, size, original = app.thumbnail(picture(640, 480), 128)
    assert (size, original) == ((128, 96), (640, 480))
    assert (Image.open(io.BytesIO(small)).size, Image.open(io.BytesIO(small)).format) == ((128, 96), "JPEG")


def test_a_small_picture_is_not_blown_up(app: ModuleType) -> None:
    assert app.thumbnail(picture(20, 10), 128)[1] == (20, 10)


def test_a_very_flat_picture_keeps_one_row(app: ModuleType) -> None:
    assert app.thumbnail(picture(2000, 1), 10)[1] == (10, 1)


def test_transparency_is_allowed_in_the_original(app: ModuleType) -> None:
    assert Image.open(io.BytesIO(app.thumbnail(picture(200, 100, mode="RGBA"), 128)[0])).mode == "RGB"


def test_a_turned_photograph_comes_out_upright(app: ModuleType) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # Orientation: rotate 90 degrees clockwise to show. Source: Exif 2.32, tag 274
    assert app.thumbnail(picture(400, 200, form="JPEG", exif=turned), 100)[2] == (200, 400)


def test_each_uploaded_picture_gets_its_thumbnail(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    put: dict[str, Any] = {}

    class Bucket:
        def get_object(self, **named: Any) -> dict[str, Any]:
            assert named == {"Bucket": "b", "Key": "in/a picture.png"}
            return {"Body": io.BytesIO(picture(256, 512))}

        def put_object(self, **named: Any) -> None:
            put.update(named)

    monkeypatch.setattr(app.boto3, "client", lambda _: Bucket())
    record = {"s3": {"bucket": {"name": "b"}, "object": {"key": "in/a+picture.png"}}}
    assert app.handler({"Records": [record]}, None) == ["thumbnails/a picture.jpg"]
    assert (put["Key"], put["Metadata"]["size"]) == ("thumbnails/a picture.jpg", "128 x 256")
