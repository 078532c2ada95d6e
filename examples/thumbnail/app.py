"""A thumbnail of a picture.

Event: {"image": BASE64, "width": 128}. Answer: {"image": BASE64 of a JPEG, "width", "height",
"original": [width, height]}. A picture that is narrower than the width keeps its size.
"""

import base64
import io

from PIL import Image, ImageOps

DEFAULT_WIDTH = 128
QUALITY = 85


def handler(event, context):
    original = Image.open(io.BytesIO(base64.b64decode(event["image"])))
    upright = ImageOps.exif_transpose(original)  # cameras store a turn instead of turning the picture
    width = min(int(event.get("width", DEFAULT_WIDTH)), upright.width)
    height = max(1, round(upright.height * width / upright.width))
    small = upright.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    print(f"{upright.width} x {upright.height} {original.format} to {width} x {height}")
    return {
        "image": base64.b64encode(buffer.getvalue()).decode(),
        "width": width,
        "height": height,
        "original": [upright.width, upright.height],
    }
