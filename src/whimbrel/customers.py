"""From the settings to the server that customers bind to over SMPP. Apart from `app`, which has enough to build."""

from collections.abc import Mapping
from typing import Protocol

from whimbrel.config import Settings
from whimbrel.domain.model import Account, SmppCredential
from whimbrel.edges.shared.services import Services
from whimbrel.edges.smpp.gate import Gate
from whimbrel.edges.smpp.registry import Registry
from whimbrel.edges.smpp.seats import Seats
from whimbrel.edges.smpp.server import OtherCells, SmppServer
from whimbrel.edges.smpp.session import OutbindTaker
from whimbrel.net.tls import server_context


class AllCells(OtherCells, Protocol):
    """Cells, for those who bind: whose customers they are, and whether they may."""

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Of all cells."""
        ...

    @property
    def smpp_credentials(self) -> Mapping[str, SmppCredential]:
        """Of all cells, by system_id."""
        ...

    async def current(self) -> None:
        """What was committed is known, as far as cells can be reached."""
        ...


def server(
    settings: Settings,
    services: Services,
    registry: Registry,
    seats: Seats,
    *,
    cells: AllCells | None,
    outbind: OutbindTaker,
    shared: bool,
) -> SmppServer:
    """The server of this process; its ports are taken. `cells`: all of them, where there are several. `shared`: other
    processes listen at the same ports. OSError when one is taken."""
    smpp = settings.smpp
    tls = None
    if smpp.tls_cert_file:
        tls = server_context(smpp.tls_cert_file, smpp.tls_key_file, smpp.tls_client_ca_file)
    gate = Gate(
        directory=cells or services.tables,
        vault=services.vault,
        clock=services.clock,
        metrics=services.metrics,
        bounds=smpp.bounds(),
    )
    return SmppServer(
        services,
        gate,
        registry,
        seats,
        cells=cells,
        host=smpp.host,
        port=smpp.port if smpp.plain else None,
        tls=tls,
        tls_port=smpp.tls_port,
        connections_max=smpp.connections_max,
        bind_deadline_s=smpp.bind_deadline_s,
        outbind=outbind,
        shared=shared,
    )
