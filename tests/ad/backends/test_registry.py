"""Backends are found by name."""

from __future__ import annotations

import pytest

from optkit import ad
from optkit.ad.backends import registry
from optkit.ad.backends.finite_difference import FiniteDifferenceBackend
from optkit.ad.backends.native import NativeBackend
from optkit.errors import BackendError, InvalidTypeError


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("native", NativeBackend),
        ("auto", NativeBackend),
        ("finite-difference", FiniteDifferenceBackend),
    ],
)
def test_known_names(name: str, kind: type) -> None:
    backend = ad.get_backend(name)
    assert type(backend) is kind
    assert ad.get_backend(backend) is backend
    assert backend.available()
    assert name in ("auto", backend.name)


def test_an_unknown_name_suggests_the_closest() -> None:
    message = r"unknown backend 'natve'; did you mean 'native'\? known: .*native"
    with pytest.raises(BackendError, match=message):
        ad.get_backend("natve")
    with pytest.raises(BackendError, match="unknown backend 'zzz'; known"):
        ad.get_backend("zzz")
    with pytest.raises(InvalidTypeError, match="a name or a Backend object, got int"):
        ad.get_backend(3)  # type: ignore[arg-type]


def test_a_backend_can_be_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "REGISTERED", {})

    class Missing(NativeBackend):
        def available(self) -> bool:
            return False

    ad.register_backend("mine", NativeBackend)
    ad.register_backend("missing", Missing)
    assert isinstance(ad.get_backend("mine"), NativeBackend)
    with pytest.raises(BackendError, match="'missing' is not available here"):
        ad.get_backend("missing")
