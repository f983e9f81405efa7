"""From the settings of mail and channels to what hands codes over. Apart from `product_set`, because `whimbrel doctor`
looks at them too.
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

_MAIL_TIMEOUT_S = 10.0  # of each step


def ways(settings: Settings) -> Ways:
    """The channels beside SMS that are set up, by name."""
    found: dict[str, Way] = {name: _called(section) for name, section in settings.channels.items()}
    mail = settings.mail
    if mail.host:
        server = Server(
            host=mail.host,
            port=mail.port,
            security=mail.security,
            username=mail.username,
            password=mail.password,
            ca_file=mail.tls_ca_file,
        )
        found[EMAIL] = MailWay(Mailer(server, _MAIL_TIMEOUT_S), mail.sender)
    return found


def _called(section: Channel) -> Way:
    client = partial(HttpClient, section.reach())
    return HttpWay(client, url=section.url, secret=section.secret, timeout_s=section.timeout_s)
