"""From the settings to the door that mail servers connect to. Apart from `app`, which has enough to build."""

from whimbrel.config import Settings
from whimbrel.edges.mail.door import Cells, Door, Finder
from whimbrel.edges.mail.server import MailServer
from whimbrel.edges.shared.services import Services
from whimbrel.net.tls import server_context


def server(settings: Settings, services: Services, *, cells: Cells | None, shared: bool) -> MailServer | None:
    """The server of this process, with its port taken; None where it has none. OSError when the port is taken."""
    section = settings.mailbox
    if "mail" not in settings.roles or not section.domain:
        return None
    door = Door(
        services,
        Finder(services, cells),
        domain=section.domain,
        relays=section.relays,
        authserv_ids=section.authserv_ids,
    )
    tls = server_context(section.tls_cert_file, section.tls_key_file) if section.tls_cert_file else None
    return MailServer(
        door,
        domain=section.domain,
        host=section.host,
        port=section.port,
        tls=tls,
        tls_required=section.tls_required,
        size_max=section.size_max,
        connections_max=section.connections_max,
        shared=shared,
    )
