"""Which registry of keys is named by an address: `local`, or `apigateway:API_ID`."""

from __future__ import annotations

from collections.abc import Iterable

from mien.domain.errors import ConfigurationError
from mien.domain.keys import ApiKey
from mien.ports.key_registry import KeyRegistry


class LocalRegistry:
    """The local gateway knows no keys of its own: it asks the authorizer, and takes the plan from its answer."""

    def put(self, key: ApiKey) -> None:
        """Nothing to do."""

    def remove(self, key_hash: str) -> None:
        """Nothing to do."""

    def known(self) -> Iterable[str]:
        return ()


def open_registry(address: str) -> KeyRegistry:
    """Open the registry at an address. Raises ConfigurationError when no adapter answers to it."""
    scheme, _, place = address.partition(":")
    if address == "local":
        return LocalRegistry()
    if scheme == "apigateway" and place:
        from mien.adapters.api_gateway_keys import ApiGatewayKeys
        from mien.adapters.aws import client

        return ApiGatewayKeys(client("apigateway"), place)
    raise ConfigurationError(f"No registry of keys is known as {address!r}; use local or apigateway:API_ID.")
