"""From the settings of mail and channels to what hands codes and mail over. Apart from `product_set`, because
`whimbrel doctor` looks at them too.
"""

from functools import partial

from whimbrel.channel_sections import Channel
from whimbrel.config import Settings
from whimbrel.domain.verify_channels import EMAIL
from whimbrel.net.http import HttpClient
from whimbrel.net.smtp import Mailer, Server
from whimbrel.products.verify.calling import HttpWay
from whimbrel.products.verify.mailing import MailWay
from whimbrel.products.verify.ways import Way, Ways


def ways(settings: Settings) -> Ways:
    """The channels of Verify beside SMS that are set up, by name."""
    found: dict[str, Way] = {
        name: _called(section, settings.server.public_url) for name, section in settings.channels.items()
    }
    mails = mailer(settings)
    if mails is not None:
        found[EMAIL] = MailWay(mails, settings.mail.sender, settings.mail.timeout_s)
    return found


def mailer(settings: Settings) -> Mailer | None:
    """What hands our mail over; None where no mail goes out."""
    mail = settings.mail
    if not mail.host:
        return None
    server = Server(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        username=mail.username,
        password=mail.password,
        ca_file=mail.tls_ca_file,
    )
    return Mailer(server, mail.timeout_s)


def _called(section: Channel, public_url: str) -> Way:
    client = partial(HttpClient, section.reach())
    about = {"url": section.url, "secret": section.secret, "public_url": public_url}
    return HttpWay(client, timeout_s=section.timeout_s, **about)
