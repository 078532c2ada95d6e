"""Thumbnails of pictures, made as they are uploaded.

S3 tells the function of each picture under `in/`; its thumbnail, a JPEG, goes into the same bucket under `thumbnails/`
with the picture's name. Reading from one prefix and writing under another keeps the function from running on its own
results. WIDTH is how wide a thumbnail is, in pixels; a picture that is narrower keeps its size.

    lambent deploy examples/thumbnail --memory 512 --timeout 30 --bucket pictures/in/
    aws s3 cp holiday.jpg s3://pictures/in/
"""

import io
import os
from pathlib import PurePosixPath
from urllib.parse import unquote_plus

import boto3
from PIL import Image, ImageOps

DEFAULT_WIDTH, QUALITY = 128, 85
PREFIX = "thumbnails/"


def thumbnail(picture, width):
    """The bytes of a JPEG, with its size and that of the picture as it is meant to be seen."""
    original = Image.open(io.BytesIO(picture))
    upright = ImageOps.exif_transpose(original)  # cameras store a turn instead of turning the picture
    width = min(width, upright.width)
    height = max(1, round(upright.height * width / upright.width))
    small = upright.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue(), small.size, upright.size


def key_of(key):
    """Where the thumbnail of a picture goes."""
    return PREFIX + PurePosixPath(key).stem + ".jpg"


def handler(event, context):
    s3, width = boto3.client("s3"), int(os.environ.get("WIDTH", DEFAULT_WIDTH))
    made = []
    for record in event["Records"]:
        bucket, key = record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
        picture = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        small, size, original = thumbnail(picture, width)
        s3.put_object(
            Bucket=bucket,
            Key=key_of(key),
            Body=small,
            ContentType="image/jpeg",
            Metadata={"of": f"{original[0]} x {original[1]}", "size": f"{size[0]} x {size[1]}"},
        )
        print(f"{bucket}/{key}: {original[0]} x {original[1]} to {size[0]} x {size[1]}")
        made.append(key_of(key))
    return made
