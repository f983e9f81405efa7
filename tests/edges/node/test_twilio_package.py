"""The official Twilio package of npm is there, unmodified, and its signatures are the ones that ours must equal."""

import pytest

pytestmark = pytest.mark.ci


def test_the_package_of_the_lock_file_is_installed(twilio_node):
    assert twilio_node.run('console.log(require("twilio/package.json").version)').startswith("6.")


def test_it_checks_signatures_as_the_documentation_of_twilio_says(twilio_node):
    """The example of Twilio's security page: URL, sorted parameters and token give this signature."""
    script = """
    const { validateRequest } = require("twilio");
    const url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const parameters = {
        CallSid: "CA1234567890ABCDE", Caller: "+14158675309", Digits: "1234", From: "+14158675309", To: "+18005551212",
    };
    const right = validateRequest("12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", url, parameters);
    const wrong = validateRequest("12346", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", url, parameters);
    console.log(JSON.stringify([right, wrong]));
    """
    assert twilio_node.run(script).strip() == "[true,false]"
