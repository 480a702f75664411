"""The address of a server."""

from dataclasses import dataclass

_USUAL = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Server:
    """One HTTP server. `scheme` is http or https; `host` is a name or an address without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """What goes into the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _USUAL[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`."""
        return f"{self.scheme}://{self.authority}"
