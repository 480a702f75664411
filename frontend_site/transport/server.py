"""The address of a server."""

from dataclasses import dataclass

from gatehouse.default_ports import DEFAULT_PORTS


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
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`."""
        return f"{self.scheme}://{self.authority}"
