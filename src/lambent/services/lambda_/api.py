"""The contract of the Lambda service: what it needs of its surroundings.

`LambdaService` (service.py) lives in control and is its one writer. `start` sweeps what a killed
process left and takes up again what was unfinished; `close` waits for the work in hand. Whoever
runs it calls `collect_code` from time to time with the code that living environments have mounted;
only that deletes, so after a restart it has to know the environments first.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from msgspec import Struct

from lambent.images.api import Progress
from lambent.images.store import Settled
from lambent.model.function import FunctionKey
from lambent.model.messages import SnapshotTaken
from lambent.placement.api import Standing
from lambent.pollers.api import Mapping, QueueFacts
from lambent.services.operation import RequestContext


class Roles(Protocol):
    """Execution roles, which belong to IAM."""

    async def assumable_by_lambda(self, role_arn: str, account: str) -> bool:
        """Whether the role exists and its trust policy lets lambda.amazonaws.com assume it."""


class Runtimes(Protocol):
    """The runtimes that this host can run."""

    @property
    def architecture(self) -> str:
        """What the host's processor is called in Architectures: x86_64 or arm64."""

    def missing(self, runtime: str) -> str | None:
        """Why the host cannot run `runtime` and what to install, in a sentence; None when it can."""

    def egress_obstacle(self) -> str | None:
        """Why the host cannot lead functions to the internet and what to do; None when it can."""


class Images(Protocol):
    """Container images: `lambent.images.store`. All raise ImageError, and OSError where the disk is to blame."""

    async def resolve(self, uri: str, architecture: str) -> Settled:
        """The image behind `uri` now."""

    async def make_root(self, uri: str, digest: str, architecture: str) -> None:
        """Have the root of the image that `uri` names by its digest in the folder of unpacked code."""

    def progress(self, digest: str) -> Progress | None:
        """How far the pull of this image is; None where it is not being pulled."""

    async def collect(self, needed: Collection[str]) -> list[str]:
        """Delete the layers that no named image and none of `needed` has."""


class Invalidator(Protocol):
    """Every place that keeps copies of functions: the edges, and placement's limits."""

    async def invalidate(self, functions: list[FunctionKey]) -> None:
        """Returns once nothing stale is served any more. Never raises: a place that cannot be told is
        cut off, and forgets everything before it serves again."""


class Caller(Struct, frozen=True):
    """Who wants to invoke a function, for its resource policy to judge (`LambdaService.permissions`).

    `principal` is a service's name (`sns.amazonaws.com`), an identity's ARN, or "*" for nobody known.
    `role_arn` is the role's, for its sessions. What is empty is not known.
    """

    principal: str
    source_arn: str = ""
    source_account: str = ""
    action: str = "lambda:InvokeFunction"
    url_auth_type: str = ""
    via_url: bool = False
    role_arn: str = ""

    @property
    def account(self) -> str:
        """Of an identity; "" for all others."""
        return self.principal.split(":")[4] if self.principal.startswith("arn:") else ""

    def context(self) -> dict[str, str]:
        """The condition keys that are known."""
        known = {
            "aws:sourcearn": self.source_arn,
            "aws:sourceaccount": self.source_account,
            "lambda:functionurlauthtype": self.url_auth_type,
            "lambda:invokedviafunctionurl": str(self.via_url).lower(),
        }
        if self.account:
            known |= {"aws:principalarn": self.role_arn or self.principal, "aws:principalaccount": self.account}
        return {key: value for key, value in known.items() if value}


class Provisioning(Protocol):
    """Placement, which keeps the environments of provisioned concurrency."""

    def standing(self, function: FunctionKey, qualifier: str, environment_keys: Iterable[str]) -> Standing:
        """How many environments of these keys are ready for the configuration on `qualifier`."""


class Snapshots(Protocol):
    """The snapshots of versions with SnapStart, which belong to the agents."""

    async def take(self, key: FunctionKey, version: str, environment_key: str) -> SnapshotTaken:
        """Initialise that version once, for every start to come. Raises Unavailable, ServiceError."""

    async def expect(self, runtime: str, memory_mb: int) -> None:
        """A function that is so is there from now on, and may be started soon. Never raises: it is no promise."""

    async def forget(self, environment_keys: list[str]) -> None:
        """These versions are gone. Never raises: an agent that cannot be told forgets what is not used."""


class Pollers(Protocol):
    """What serves event source mappings. See `lambent.pollers.api` for the contract."""

    async def apply(self, mapping: Mapping) -> None:
        """Serve it, or go on with it as it is now."""

    async def stop(self, uuid: str) -> None:
        """Take nothing more for it."""

    async def forget(self, mapping: Mapping) -> None:
        """The same, for good."""

    def result(self, uuid: str) -> str:
        """What came of it lately, or keeps it from being served; "" where there is nothing to say."""


class Queues(Protocol):
    """The queues that mappings can name."""

    def facts(self, arn: str) -> QueueFacts:
        """What the queue is. Raises ServiceError when there is none."""


class Streams(Protocol):
    """The streams of tables that mappings can name."""

    async def exists(self, arn: str) -> bool:
        """Whether there is such a stream."""


class Archives(Protocol):
    """S3, where packages may lie."""

    async def read(self, context: RequestContext, place: tuple[str, str, str | None], most_bytes: int) -> bytes:
        """The bytes of bucket, key and version (None: the newest), if the caller may read them. Raises ServiceError."""


class Destinations(Protocol):
    """What the ends of events can be delivered to, beside functions."""

    def served(self) -> Collection[str]:
        """The services, by their names in ARNs."""

    async def exists(self, arn: str) -> bool:
        """Whether the queue, topic, bus or bucket is there, for an ARN of a service that is served."""


class Links(NamedTuple):
    """All that this service talks to; the composition root fills it in."""

    roles: Roles
    runtimes: Runtimes
    invalidator: Invalidator
    provisioning: Provisioning
    snapshots: Snapshots
    pollers: Pollers
    queues: Queues
    streams: Streams
    archives: Archives
    destinations: Destinations
