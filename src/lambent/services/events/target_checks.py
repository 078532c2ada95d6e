"""What PutTargets refuses: pure checks of one target's shape.

Source: the service model's documentation of Target; the messages as the service gives them, collected from
error reports in public repositories, where it gives any.
"""

from msgspec import DecodeError, json

from lambent.arn import parse_arn
from lambent.errors import ValidationError
from lambent.services.events.errors import not_valid
from lambent.services.events.inputs import PREDEFINED, holes_of, is_json, is_lines_of_json
from lambent.services.events.json_path import InvalidPath, parse_path
from lambent.services.events.model import Target
from lambent.services.events.names import is_bus_arn

OF_OTHERS = (
    *("KinesisParameters", "RunCommandParameters", "EcsParameters", "BatchParameters", "HttpParameters"),
    *("RedshiftDataParameters", "SageMakerPipelineParameters", "AppSyncParameters"),
)
INPUTS = ("Input", "InputPath", "InputTransformer")


def check_target(target: Target) -> None:
    """Raises ValidationError for a target that could not be carried out as it stands."""
    arn, target_id = target["Arn"], target["Id"]
    try:
        service = parse_arn(arn).service
    except ValueError:
        raise not_valid(arn, "Provided Arn is not in correct format.") from None
    for name in OF_OTHERS:
        if target.get(name):
            raise ValidationError(f"{name} is for targets that Lambent does not have; leave it out.")
    if service == "sqs" and arn.endswith(".fifo") and not target.get("SqsParameters", {}).get("MessageGroupId"):
        raise ValidationError(f"Parameter(s) SqsParameters must be specified for target: {target_id}.")
    if target.get("SqsParameters") and not (service == "sqs" and arn.endswith(".fifo")):
        raise ValidationError(f"Parameter(s) SqsParameters not valid for target: {target_id}, which is no FIFO queue.")
    _check_dead_letter(target)
    _check_input(target)


def _check_dead_letter(target: Target) -> None:
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if not queue:
        return
    try:
        service = parse_arn(queue).service
    except ValueError:
        service = ""
    if service != "sqs" or queue.endswith(".fifo"):
        raise not_valid("DeadLetterConfig", "The dead-letter queue has to be the ARN of a standard SQS queue.")


def _check_input(target: Target) -> None:
    given = [name for name in INPUTS if name in target]
    if len(given) > 1:
        raise ValidationError(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        )
    if given and is_bus_arn(target["Arn"]):
        raise ValidationError(f"{given[0]} cannot be used for target {target['Id']}, which is an event bus.")
    if "Input" in target:
        _check_json(target["Input"], target["Id"])
    if "InputPath" in target:
        _check_path(target["InputPath"], target["Id"])
    if "InputTransformer" in target:
        _check_transformer(target)


def _check_json(text: str, target_id: str) -> None:
    try:
        json.decode(text)
    except (DecodeError, RecursionError) as error:
        raise ValidationError(f"JSON syntax error in input for target {target_id}: {error}") from None


def _check_path(path: str, target_id: str) -> None:
    try:
        parse_path(path)
    except InvalidPath:
        raise ValidationError(f"InputPath for target {target_id} is invalid.") from None


def _check_transformer(target: Target) -> None:
    target_id, transformer = target["Id"], target["InputTransformer"]
    paths = transformer.get("InputPathsMap", {})
    for name, path in paths.items():
        if name.lower().startswith("aws"):
            raise ValidationError(f"InputPathsMap for target {target_id} has the reserved key {name}.")
        _check_path(path, target_id)
    template = transformer["InputTemplate"]
    for hole in holes_of(template):
        if hole.name not in paths and hole.name not in PREDEFINED:
            raise ValidationError(f"InputTemplate for target {target_id} contains invalid placeholder {hole.name}.")
    is_function = parse_arn(target["Arn"]).service == "lambda"
    if not is_json(template) and (is_function or not is_lines_of_json(template)):
        raise ValidationError(
            f"Invalid InputTemplate for target {target_id}: it has to be JSON, with its <placeholders> filled in."
        )
