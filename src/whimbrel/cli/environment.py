"""`whimbrel env`: a quickstart's address and keys as variables of a shell."""

import shlex

import typer

from whimbrel.cli.client import stored
from whimbrel.cli.options import DATA, DataFolder
from whimbrel.cli.say import fail, guarded


@guarded
def env(data: DataFolder = DATA) -> None:
    """Print address and keys for a shell: eval "$(whimbrel env)"."""
    found = stored(data)
    if found is None:
        fail(f"{data} holds no quickstart; name its folder with --data", code=2)
    named = {
        "WHIMBREL_URL": found.http_url,
        "WHIMBREL_API_KEY": found.api_key,
        "WHIMBREL_TEST_KEY": found.test_key,
        "WHIMBREL_OPERATOR_KEY": found.operator_key,
        "WHIMBREL_ACCOUNT_SID": found.account_sid,
        "WHIMBREL_AUTH_TOKEN": found.auth_token,
        "WHIMBREL_SMPP_ADDRESS": f"{found.smpp_host}:{found.smpp_port}" if found.smpp_port else "",
        "WHIMBREL_SMPP_SYSTEM_ID": found.smpp_system_id,
        "WHIMBREL_SMPP_PASSWORD": found.smpp_password,
        "WHIMBREL_SIMULATOR_URL": found.simulator_http_url,
    }
    for name, value in named.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
