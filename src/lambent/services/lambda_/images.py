"""Functions whose code is a container image: what a request asks for, what is run, and Lambda's words for what fails.

Knows: the records and AWS's errors. Does not know: registries, layers or roots, which are `lambent.images`'.

Source: Lambda service model (FunctionCode.ImageUri, ImageConfig, StateReasonCode); Lambda Developer Guide, "Create a
Lambda function using a container image" (each setting overrides the image's own); behaviours sections 4 and 6. What is
said of settings that do not go with PackageType Image is as AWS says it, as far as we know.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.errors import AccessDenied, ServiceError
from lambent.images.api import ImageError, Progress
from lambent.model.environment import Container
from lambent.services.lambda_.environment_variables import is_unicode
from lambent.services.lambda_.errors import Failed, InvalidParameter
from lambent.services.lambda_.model import IMAGE, CodeSize, Configuration, ImageOverrides, ImageUse, Version
from lambent.services.operation import Answer, Request

NOT_WITH_IMAGES = ("Runtime", "Handler", "Layers")
WALLS_NEEDED = (
    "PackageType Image is refused: this server runs functions without walls (--isolation process), "
    "so that an image has no root of its own."
)
REASON_CODES = {
    "missing": "ImageDeleted",
    "denied": "ImageAccessDenied",
    "invalid": "InvalidImage",
    "unreachable": "InternalError",
}
# What an image's program finds unless the image or the function says otherwise.
DEFAULTS = {
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TZ": ":UTC",
}


class ImageFailed(Failed):
    """A version's image cannot be had; `reason_code` is its StateReasonCode."""

    def __init__(self, uri: str, error: ImageError) -> None:
        super().__init__(f"The image {uri} cannot be used: {error.message}.")
        self.reason_code = REASON_CODES[error.kind]


def refused(uri: str, error: ImageError) -> ServiceError:
    """The answer to a request that names an image which cannot be had."""
    if error.kind == "denied":
        why = "Lambda does not have permission to access the ECR image. Check the ECR permissions."
        return AccessDenied(f"{why} ({error.message})")
    if error.kind == "unreachable":
        return Failed(f"Source image {uri} could not be looked at: {error.message}. Try again.")
    verdict = "does not exist" if error.kind == "missing" else "is not valid"
    return InvalidParameter(f"Source image {uri} {verdict}. Provide a valid source image. ({error.message})")


def check_request(request: Request, *, walls: bool) -> None:
    """Whether settings go with an image. Raises InvalidParameter."""
    if not walls:
        raise InvalidParameter(WALLS_NEEDED)
    if any(request.get(name) for name in NOT_WITH_IMAGES):
        raise InvalidParameter(
            "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
        )


def check_code(code: Request, package_type: str, doing: str) -> None:
    """Whether code comes in the form that the function has. Raises InvalidParameter."""
    given = bool(code.get("ImageUri"))
    if package_type != IMAGE and given:
        raise InvalidParameter(f"Please don't provide ImageUri when {doing} a function with packageType Zip.")
    if package_type == IMAGE and not given:
        raise InvalidParameter(f"Please provide ImageUri when {doing} a function with packageType Image.")
    if package_type == IMAGE and any(code.get(name) for name in ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion")):
        raise InvalidParameter("Please don't provide other FunctionCode parameters when providing an ImageUri.")


def overrides_of(request: Mapping[str, Any]) -> ImageOverrides | None:
    """An ImageConfig; None where it overrides nothing. Raises InvalidParameter."""
    found = ImageOverrides(
        tuple(request.get("EntryPoint") or ()),
        tuple(request.get("Command") or ()),
        request.get("WorkingDirectory") or "",
    )
    words = (*found.entry_point, *found.command, found.working_directory)
    if any("\0" in word or not is_unicode(word) for word in words):
        raise InvalidParameter("ImageConfig may hold neither NUL nor half characters.")
    return None if found == ImageOverrides() else found


def container_of(use: ImageUse, wanted: Configuration) -> Container:
    """What is run in an environment of the image, and where. Raises InvalidParameter for nothing."""
    over, own = wanted.image_overrides or ImageOverrides(), use.settings
    command = (*(over.entry_point or own.entry_point), *(over.command or own.command))
    if not command or not command[0]:
        raise InvalidParameter(
            f"Source image {use.uri} is not valid. Provide a valid source image. (It has neither an entry point nor a "
            "command, and ImageConfig has none.)"
        )
    return Container(command, over.working_directory or own.working_directory or "/")


def defaults_of(use: ImageUse) -> dict[str, str]:
    """The variables that the function's own and Lambda's are put over."""
    return {**DEFAULTS, **dict(line.split("=", 1) for line in use.settings.environment)}


def code_of(version: Version) -> Answer:
    """GetFunction's Code."""
    use = version.coming or version.image
    if use is None:
        raise ValueError(f"{version.key.name} is no image")
    return {"RepositoryType": "ECR", "ImageUri": use.uri, "ResolvedImageUri": use.resolved_uri}


def with_progress(answer: Answer, progress: Progress | None) -> Answer:
    """A FunctionConfiguration that tells how far the pull of its image is, where it tells that something goes on."""
    if progress is None:
        return answer
    mb = 1_000_000
    told = f" Its image is being pulled: {progress.done_bytes / mb:.1f} of {progress.total_bytes / mb:.1f} MB."
    names = ("StateReason", "LastUpdateStatusReason")
    return {**answer, **{name: answer[name] + told for name in names if name in answer}}


def image_size(use: ImageUse) -> CodeSize:
    """An image among the packages; its bytes are not the account's, as AWS's are ECR's."""
    return CodeSize(use.digest, 0, 0)


def arrived(version: Version) -> Version:
    """The version, with the image that was on its way as its own."""
    coming = version.coming
    return version if coming is None else with_image(version, coming)


def with_image(version: Version, use: ImageUse) -> Version:
    """The version, with another image."""
    return msgspec.structs.replace(version, code=use.digest, code_bytes=0, image=use, coming=None)
