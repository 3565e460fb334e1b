"""The key that signs checkpoints: Ed25519, from the environment or from a file that only the sealer's user can read.

``TRAIL_SIGNING_KEY`` (base64 of the 32-byte seed) wins over ``TRAIL_KEY_FILE``. Outside production a missing file is
made; in production it is refused, so that nobody seals with a key that no auditor has seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from audit.trail.offline.files import read_keys
from vouchers.errors import TryLater


@dataclass(frozen=True)
class SigningKey:
    """The private key with its id (the first 8 bytes of the SHA-256 of the public part, in hexadecimal)."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public part."""
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        return key_id(self.public)

    def sign(self, text: bytes) -> bytes:
        """64 bytes."""
        return self.private.sign(text)


def key_id(public: bytes) -> str:
    """How a public key is named in checkpoints."""
    return hashlib.sha256(public).hexdigest()[:16]


def holds(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether this is the signature of the text."""
    from cryptography.exceptions import InvalidSignature

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_key() -> SigningKey:
    """The key in use. Raises ``TryLater`` (``trail.key``) when there is none or it cannot be read."""
    inline: str = settings.TRAIL_SIGNING_KEY
    if inline:
        return _decoded(inline, "环境变量 TRAIL_SIGNING_KEY")
    path = Path(settings.TRAIL_KEY_FILE)
    if not path.exists():
        if settings.PRODUCTION:
            raise TryLater(
                "trail.key", f"没有留痕签名密钥：请设置 TRAIL_SIGNING_KEY，或将密钥放入 {path.name}。"
            )
        _make(path)
    return _decoded(path.read_text(), f"密钥文件 {path.name}")


def next_path() -> Path:
    """Where the next key lies between the moment when it is named in the trail and the moment when it takes over."""
    path = Path(settings.TRAIL_KEY_FILE)
    return path.with_name(f"{path.name}.next")


def key_in_use(expected: str | None) -> SigningKey:
    """The key, held against the last change of keys. A change that a crash cut short is finished here.

    Raises ``TryLater`` (``trail.key``) when the key at hand is not the one that the trail says is in use.
    """
    key = signing_key()
    if expected is None or key.key_id == expected:
        return key
    if not settings.TRAIL_SIGNING_KEY and next_path().exists():
        following = _decoded(next_path().read_text(), f"密钥文件 {next_path().name}")
        if following.key_id == expected:
            take_over(following)
            return following
    where = "环境变量 TRAIL_SIGNING_KEY" if settings.TRAIL_SIGNING_KEY else "密钥文件"
    raise TryLater(
        "trail.key", f"{where}中的密钥 {key.key_id} 已被 {expected} 接替，请换成新的密钥后再封存。"
    )


def new_key() -> SigningKey:
    """A key that nobody has seen yet."""
    return SigningKey(Ed25519PrivateKey.generate())


def read_key(path: Path) -> SigningKey:
    """A key that was made elsewhere. Raises ``TryLater`` (``trail.key``)."""
    try:
        return _decoded(path.read_text(), f"密钥文件 {path.name}")
    except (OSError, UnicodeError) as fault:
        raise TryLater("trail.key", f"无法读取密钥文件 {path.name}。") from fault


def lay_ready(key: SigningKey) -> None:
    """Put the next key beside the one in use, on the disk, readable by nobody else."""
    path = next_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(base64.b64encode(key.private.private_bytes_raw()).decode() + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def take_over(key: SigningKey) -> None:
    """The key that lies ready takes the place of the old one, which is gone from the disk; its public part is added."""
    known = Path(settings.TRAIL_PUBLIC_KEY_FILE)
    if not known.exists() or key.key_id not in read_keys(known):
        _publish(key)
    if not settings.TRAIL_SIGNING_KEY:
        next_path().replace(settings.TRAIL_KEY_FILE)


def _publish(key: SigningKey) -> None:
    known = Path(settings.TRAIL_PUBLIC_KEY_FILE)
    known.parent.mkdir(parents=True, exist_ok=True)
    with known.open("a", encoding="utf-8") as stream:
        stream.write(public_text([key.public]))


def public_keys() -> dict[str, bytes]:
    """The public keys that checkpoints may be signed with, by id: those on file (retired ones too), else the one in use."""
    path = Path(settings.TRAIL_PUBLIC_KEY_FILE)
    if path.exists():
        return read_keys(path)
    public = signing_key().public
    return {key_id(public): public}


def public_text(publics: Iterable[bytes]) -> str:
    """Public keys as a file for auditors."""
    lines = [
        f"# 审计留痕封存公钥（Ed25519），密钥编号 {key_id(one)}\n{base64.b64encode(one).decode()}\n"
        for one in publics
    ]
    return "".join(lines)


def _decoded(text: str, where: str) -> SigningKey:
    try:
        return SigningKey(Ed25519PrivateKey.from_private_bytes(base64.b64decode(text.strip(), validate=True)))
    except (ValueError, binascii.Error) as fault:
        raise TryLater(
            "trail.key", f"{where} 不是有效的签名密钥：应为 32 字节种子的 Base64 文字。"
        ) from fault


def _make(path: Path) -> None:
    """A new key, its public part added to the file of public keys; when two processes start together, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    key = new_key()
    with os.fdopen(descriptor, "w") as stream:
        stream.write(base64.b64encode(key.private.private_bytes_raw()).decode() + "\n")
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    else:
        _publish(key)
    finally:
        part.unlink()
