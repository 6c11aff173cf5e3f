"""Kubernetes' protobuf bodies: decoded to the JSON objects that all the rest knows, and encoded.

Our own reader of the wire format, not the protobuf library: that costs 9 MB in each process, and
its messages would still have to be walked to make JSON of them.
"""

from paas.apimachinery.protobuf.decoding import MAGIC, decode
from paas.apimachinery.protobuf.encoding import encode
from paas.apimachinery.protobuf.messages import message_of

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

__all__ = ["MAGIC", "MEDIA_TYPE", "decode", "encode", "knows"]


def knows(api_version: str, kind: str) -> bool:
    """Say whether an object of this kind can be decoded and encoded."""
    return message_of(api_version, kind) is not None
