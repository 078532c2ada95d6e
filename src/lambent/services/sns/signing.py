"""The signatures of messages to HTTP endpoints, queues and functions, and the certificate that they are checked with.

The key and its certificate are made at the first start and kept in a private file. SignatureVersion 1 is RSA with
SHA-1, as AWS still makes it where a topic does not ask for 2, which is RSA with SHA-256.

Source: SNS Developer Guide, "Verifying the signatures of Amazon SNS messages": which members are signed, and in which
order.
"""

import datetime
import hashlib
from base64 import b64encode
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from lambent.errors import Hopeless

PREFIX = "/SimpleNotificationService-"
VALID_DAYS = 3_650
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]


def make_identity(now_s: float) -> bytes:
    """A fresh private key and its certificate, as PEM."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    begin = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - datetime.timedelta(days=1))
        .not_valid_after(begin + datetime.timedelta(days=VALID_DAYS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


class IdentityDamaged(Hopeless):
    """What was kept is not what `make_identity` made."""


class Signer:
    """Signs with one key. `identity` is what `make_identity` made.

    Raises:
        IdentityDamaged: it is not.
    """

    def __init__(self, identity: bytes) -> None:
        try:
            key = serialization.load_pem_private_key(identity, password=None)
            certificate = x509.load_pem_x509_certificate(identity)
        except ValueError:
            raise IdentityDamaged("sns-signing.pem holds no key with its certificate: put it back, or remove it "
                                  "for a new one") from None  # fmt: skip
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM)
        self.path = f"{PREFIX}{hashlib.sha256(self.certificate).hexdigest()[:32]}.pem"

    def sign(self, members: Mapping[str, str], version: str) -> str:
        """The Signature of a message with these members, in base64."""
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303  # what version 1 is
        return b64encode(self._key.sign(text_to_sign(members), padding.PKCS1v15(), digest)).decode()


def text_to_sign(members: Mapping[str, str]) -> bytes:
    """The signed members that are there, each name and value on a line of its own."""
    names = [name for name in SIGNED[members["Type"]] if name in members]
    return "".join(f"{name}\n{members[name]}\n" for name in names).encode()
