"""Signatures of the forms with which browsers post files: of the policy in the form, by version 4, and by version 2,
which boto3 makes unless it is told otherwise.

Sources: S3 API reference, "Authenticating requests in browser-based uploads using POST (AWS signature version 4)"; S3
User Guide (API version 2006-03-01), "Authenticating requests: browser-based uploads using POST (version 2)".
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping

from lambent.model.principal import AccessKey
from lambent.protocol.sigv2_links import REGION, SERVICE
from lambent.protocol.sigv4 import check_key, sign
from lambent.protocol.sigv4_canonical import octets
from lambent.protocol.sigv4_credential import ALGORITHM, TERMINATOR, Credential
from lambent.protocol.sigv4_refusals import Reason, refusal

SCOPE_WORDS = 5


def credential_of_form(fields: Mapping[str, str]) -> Credential:
    """Who claims to have signed the form, its fields by lower-case name. Raises SignatureRefused."""
    token = fields.get("x-amz-security-token", "")
    if "awsaccesskeyid" in fields:
        signature = fields.get("signature", "")
        return Credential(fields["awsaccesskeyid"], "", REGION, SERVICE, (), signature, "", token=token)
    if fields.get("x-amz-algorithm") != ALGORITHM:
        words = "Bucket POST must contain a field named 'X-Amz-Algorithm' that says AWS4-HMAC-SHA256."
        raise refusal(Reason.MALFORMED_QUERY, SERVICE, words)
    words_of_scope = fields.get("x-amz-credential", "").rsplit("/", SCOPE_WORDS - 1)
    if len(words_of_scope) != SCOPE_WORDS or words_of_scope[3:] != [SERVICE, TERMINATOR]:
        words = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        raise refusal(Reason.MALFORMED_QUERY, SERVICE, f"Error parsing the X-Amz-Credential parameter; {words}")
    access_key_id, date, region, service, _ = words_of_scope
    signature, stamp = fields.get("x-amz-signature", ""), fields.get("x-amz-date", "")
    if not stamp.startswith(date):
        raise refusal(Reason.MALFORMED_QUERY, SERVICE, "The date of X-Amz-Credential is not that of X-Amz-Date.")
    return Credential(access_key_id, date, region, service, (), signature, stamp, token=token)


def verify_form(policy: str, credential: Credential, key: AccessKey, now_s: float) -> None:
    """Return when `key` signed the policy, which is base64 text. Raises SignatureRefused."""
    check_key(credential, key, now_s)
    if credential.date:
        expected = sign(key.secret, credential, octets(policy)).encode()
    else:
        expected = b64encode(hmac.digest(key.secret.encode(), octets(policy), "sha1"))
    if not hmac.compare_digest(expected, octets(credential.signature)):
        raise refusal(Reason.MISMATCH, SERVICE)
