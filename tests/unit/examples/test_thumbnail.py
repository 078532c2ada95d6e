"""The example does what its docstring says, with real pictures."""

import base64
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


def picture(width: int, height: int, form: str = "PNG", mode: str = "RGB", **options: Any) -> str:
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, form, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def opened(answer: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(answer["image"])))


def test_the_answer_holds_a_jpeg_of_the_size_it_names(app: ModuleType) -> None:
    answer = app.handler({"image": picture(640, 480), "width": 128}, None)
    assert (answer["width"], answer["height"], answer["original"]) == (128, 96, [640, 480])
    assert (opened(answer).size, opened(answer).format) == ((128, 96), "JPEG")


def test_the_width_is_128_unless_given(app: ModuleType) -> None:
    assert app.handler({"image": picture(256, 512)}, None)["width"] == 128


def test_a_small_picture_is_not_blown_up(app: ModuleType) -> None:
    assert opened(app.handler({"image": picture(20, 10)}, None)).size == (20, 10)


def test_a_very_flat_picture_keeps_one_row(app: ModuleType) -> None:
    assert app.handler({"image": picture(2000, 1), "width": 10}, None)["height"] == 1


def test_transparency_is_allowed_in_the_original(app: ModuleType) -> None:
    assert opened(app.handler({"image": picture(200, 100, mode="RGBA")}, None)).mode == "RGB"


def test_a_turned_photograph_comes_out_upright(app: ModuleType) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # Orientation: rotate 90 degrees clockwise to show. Source: Exif 2.32, tag 274
    answer = app.handler({"image": picture(400, 200, form="JPEG", exif=turned), "width": 100}, None)
    assert answer["original"] == [200, 400]
